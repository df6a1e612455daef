"""Starts one attempt at one container: image, environment, create, start; each step's trouble in Kubernetes' words."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import anyio

from upright.controllers.node.container_spec import container_spec
from upright.controllers.node.environment import Missing, PodFacts, environment
from upright.controllers.node.images import Obstacle
from upright.controllers.node.preparation import create_anew
from upright.controllers.node.shielded import shielded
from upright.controllers.world.engine.errors import EngineError

if TYPE_CHECKING:
    from upright.controllers.node.container_spec import Place
    from upright.controllers.node.environment import Lookup
    from upright.controllers.node.event_queue import EventQueue
    from upright.controllers.node.events import EventType
    from upright.controllers.node.images import Images
    from upright.controllers.node.pod_plan import Start
    from upright.controllers.world.engine.protocol import ContainerSpec, Engine
    from upright.openapi.core_v1.container import Container
    from upright.openapi.core_v1.pod import Pod


ADDRESS_TRIES = 20
ADDRESS_PAUSE_SECONDS = 0.1
_ADDRESS_BUSY = re.compile(r"already allocated|address already in use|IP address \S+ is not available", re.IGNORECASE)
"""The engine has not taken the pod's address back yet from the container before."""


def part_of(pod: Pod, name: str) -> str:
    """Return the place of a container in its pod, as events name it."""
    init = any(one.name == name for one in pod.spec.init_containers)
    return f"spec.{'initContainers' if init else 'containers'}{{{name}}}"


class PodStarter:
    """Starts containers of one node's pods."""

    def __init__(self, engine: Engine, images: Images, events: EventQueue, host_ip: str) -> None:
        self._engine = engine
        self._images = images
        self._events = events
        self._host_ip = host_ip

    async def start(self, pod: Pod, container: Container, step: Start, place: Place, lookup: Lookup) -> tuple[str, str]:
        """Return the new container's id, and why its program could not be started (or nothing). Raises Obstacle."""

        def tell(kind: EventType, reason: str, message: str) -> None:
            self._events.tell(pod, kind, reason, message, part_of(pod, container.name))

        image = await self._images.ensure(container, tell)
        try:
            variables = environment(container, PodFacts(pod, place.ip, self._host_ip), lookup)
            spec = container_spec(pod, container, step, place, image, variables)
        except Missing as error:
            tell("Warning", "Failed", f"Error: {error}")
            raise Obstacle("CreateContainerConfigError", str(error)) from error
        made, trouble = await shielded(partial(self._create_and_start, spec))
        if not made:
            tell("Warning", "Failed", f"Error: {trouble}")
            raise Obstacle("CreateContainerError", trouble)
        tell("Normal", "Created", f"Created container: {container.name}")
        if trouble:
            tell("Warning", "Failed", f"Error: {trouble}")
        else:
            tell("Normal", "Started", f"Started container {container.name}")
        return made, trouble

    async def _create_and_start(self, spec: ContainerSpec) -> tuple[str, str]:
        """Return the id (empty if nothing was created) and what went wrong."""
        try:
            made = await create_anew(self._engine, spec)
        except EngineError as error:
            return "", error.message
        for patience in range(ADDRESS_TRIES, 0, -1):
            try:
                await self._engine.start(made)
            except EngineError as error:
                if patience == 1 or not _ADDRESS_BUSY.search(error.message):
                    return made, error.message
                await anyio.sleep(ADDRESS_PAUSE_SECONDS)
            else:
                break
        return made, ""
