"""The DockerComposeService controller: brings a service up once for each wish, and watches its containers."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
from msgspec import Struct

from upright.controllers import fingerprint
from upright.controllers.finalizers import COMPOSE_FINALIZER
from upright.controllers.fingerprint import RESOURCE
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.update import is_later, local_refs
from upright.controllers.world.compose import ComposeFailed, NoCompose
from upright.controllers.world.engine.errors import EngineError, NoEngine
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.docker_compose_log_stream import DockerComposeLogStream, DockerComposeLogStreamSpec
from upright.openapi.v1alpha1.docker_compose_service import (
    ComposeContainer,
    DockerComposeService,
    DockerComposeServiceStatus,
    DockerContainerState,
    DockerPortBinding,
)
from upright.openapi.v1alpha1.image_map import ImageMap
from upright.openapi.v1alpha1.resource import TRIGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from upright.controllers.compose_projects import ComposeProjects
    from upright.controllers.published_ports import PublishedPorts
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.engine.protocol import Container
    from upright.controllers.world.logs import Logs, LogWriter
    from upright.openapi.meta import Object

RETRY_SECONDS = 1.0
HEALTH_SECONDS = 1.0
_GONE = "gone"
_RUNNING = frozenset({"running", "paused"})


class _Up(Struct, frozen=True):
    started: datetime
    finished: datetime
    replicas: int = 0
    error: str = ""


class DockerComposeServiceController(Controller[DockerComposeService]):
    """Has each service's containers, and says how they are. ``ports`` makes those of a private engine reachable here."""

    kind: ClassVar[type[Object]] = DockerComposeService
    heeds_status: ClassVar[bool] = False
    owns: ClassVar[tuple[type[Object], ...]] = (DockerComposeLogStream,)
    finalizer: ClassVar[str] = COMPOSE_FINALIZER

    def __init__(
        self, projects: ComposeProjects, ports: PublishedPorts, logs: Logs, clock: Callable[[], datetime]
    ) -> None:
        self._projects = projects
        self._ports = ports
        self._logs = logs
        self._clock = clock

    def watches(self) -> Iterable[Watch]:
        yield Watch(ImageMap, self._users_of)

    async def reconcile(self, turn: Turn[DockerComposeService]) -> Outcome:
        service, status = turn.obj, turn.obj.status
        references = local_refs(service.spec.image_maps, turn.get)
        if not all(references):
            return Outcome()
        print_ = fingerprint.of_step(service, *references)
        if status.applied_input_hash != print_:
            view = turn.tasks.ensure("up", print_, partial(self._up, service, references))
            if not view.done:
                return Outcome()
            up = view.result or _Up(turn.now, turn.now, error=str(view.error))
            status = DockerComposeServiceStatus(
                apply_error=up.error,
                last_apply_start_time=up.started,
                last_apply_finish_time=up.finished,
                replicas=up.replicas,
                applied_input_hash=print_,
            )
        if status.apply_error:
            return Outcome(status)
        await turn.apply([_stream(service)])
        watch = turn.tasks.ensure("watch", print_, partial(self._watch, service, status.replicas))
        if watch.value == _GONE:
            for task in ("up", "watch"):
                await turn.tasks.end(task)
            return Outcome(status.model_copy(update={"applied_input_hash": ""}), after=0)
        return Outcome(_seen(status, watch.value) if watch.value is not None else status)

    async def finalize(self, turn: Turn[DockerComposeService]) -> None:
        """Remove the service's containers."""
        if turn.obj.status.applied_input_hash:
            await self._projects.remove(turn.obj.spec)

    async def _up(self, service: DockerComposeService, references: Sequence[str], report: Callable[[Any], None]) -> _Up:
        del report
        started = self._clock()
        images = {service.spec.service: references[-1]} if references else {}
        try:
            asked, status = service.metadata.annotations.get(TRIGGER, ""), service.status
            if asked and status.applied_input_hash and is_later(asked, status.last_apply_start_time):
                self._log(service).write("Triggered: its containers are made anew")
                await self._projects.remove(service.spec)
            replicas = await self._projects.up(service.spec, images, self._log(service))
        except NoEngine:
            await anyio.sleep_forever()  # nothing is wrong with the service: the Cluster says that nothing can be told
            raise
        except (ComposeFailed, NoCompose, EngineError) as error:
            return _Up(started, self._clock(), error=str(error))
        return _Up(started, self._clock(), replicas)

    async def _watch(self, service: DockerComposeService, wanted: int, report: Callable[[Any], None]) -> None:
        """Tell of the service's containers whenever one of them changes; where the engine breaks off, ask it again.

        If there are none to begin with, an earlier server of this run has brought them up and they went with it.
        """
        engine = await self._projects.engines.get()
        self._projects.taken_over()
        if wanted and not await self._projects.containers(service.spec):
            report(_GONE)
            return
        async with self._ports.of(service.name) as ports, anyio.create_task_group() as checking:
            if engine.info.product == "podman":  # leaves health checks to systemd, which is not there
                checking.start_soon(self._check_health, service, report)
            while True:
                try:
                    async with engine.events(self._projects.labels_of(service.spec)) as events:
                        await self._look(service, report, ports.lead)
                        async for event in events:
                            if not event.action.startswith("exec_"):
                                await self._look(service, report, ports.lead)
                except EngineError:
                    await anyio.sleep(RETRY_SECONDS)

    async def _check_health(self, service: DockerComposeService, report: Callable[[Any], None]) -> None:
        """Have the containers' health checked, each at its intervals, and tell what came of it."""
        engine = await self._projects.engines.get()
        due: dict[str, float] = {}
        while True:
            with suppress(EngineError):
                found = await self._projects.containers(service.spec)
                now = anyio.current_time()
                asked = [one for one in found if one.health and one.state == "running" and due.get(one.id, now) <= now]
                for one in asked:
                    due[one.id] = now + max(one.health_interval, HEALTH_SECONDS)
                    with suppress(EngineError):  # it ended meanwhile
                        await engine.check_health(one.id)
                if asked:
                    report(await self._projects.containers(service.spec))
            await anyio.sleep(HEALTH_SECONDS)

    async def _look(
        self,
        service: DockerComposeService,
        report: Callable[[Any], None],
        lead: Callable[[Sequence[Container]], None],
    ) -> None:
        found = await self._projects.containers(service.spec)
        lead(found)
        report(found)

    def _log(self, service: DockerComposeService) -> LogWriter:
        return self._logs.open(f"dcup:{service.name}", service.metadata.annotations.get(RESOURCE, service.name))

    def _users_of(self, obj: Object) -> Iterable[Key]:
        for service in self.caches.of(DockerComposeService).all():
            if obj.name in service.spec.image_maps:
                yield Key("", service.name)


def _stream(service: DockerComposeService) -> DockerComposeLogStream:
    resource = service.metadata.annotations.get(RESOURCE, service.name)
    return DockerComposeLogStream(
        metadata=ObjectMeta(name=service.name, annotations={RESOURCE: resource}),
        spec=DockerComposeLogStreamSpec(service=service.spec.service, project=service.spec.project),
    )


def _seen(status: DockerComposeServiceStatus, found: Sequence[Container]) -> DockerComposeServiceStatus:
    """Return the status with the containers as they were seen; Tilt's fields are of the first."""
    containers = tuple(_told(one) for one in found)
    first = containers[0] if containers else None
    ports = (
        DockerPortBinding(container_port=port.port, host_port=port.host_port, host_ip=port.host_ip)
        for one in found
        for port in one.published
    )
    return status.model_copy(
        update={
            "containers": containers,
            "container_id": first.id if first is not None else "",
            "container_name": first.name if first is not None else "",
            "container_state": first.state if first is not None else None,
            "port_bindings": tuple(ports),
        }
    )


def _told(one: Container) -> ComposeContainer:
    state = DockerContainerState(
        status=one.state,
        running=one.state in _RUNNING,
        error=one.error,
        exit_code=one.exit_code,
        started_at=one.started,
        finished_at=one.finished if one.state not in _RUNNING else None,
        health_status=one.health,
    )
    return ComposeContainer(
        id=one.id,
        name=one.name,
        image=one.image,
        state=state,
        restarts=one.restarts,
        health_output=one.health_output if one.health == "unhealthy" else "",
    )
