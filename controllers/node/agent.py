"""The node agent as a whole: network, name server, proxy, and the two controllers that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
from msgspec import Struct

from upright.controllers.node.cluster_network import cluster_network
from upright.controllers.node.container_events import ContainerEvents
from upright.controllers.node.dns import NameServer, Zone
from upright.controllers.node.event_queue import EventQueue
from upright.controllers.node.events import Recorder
from upright.controllers.node.images import Images
from upright.controllers.node.pause_image import PauseImage
from upright.controllers.node.pod import PodController
from upright.controllers.node.pod_starter import PodStarter
from upright.controllers.node.preparation import Preparation
from upright.controllers.node.service import ServiceController
from upright.controllers.node.service_proxy import ServiceProxy
from upright.controllers.node.sweeper import Sweeper
from upright.controllers.node.workplace import Workplace
from upright.openapi.core_v1.node import NODE_NAME
from upright.openapi.core_v1.pod import Pod

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from anyio.abc import TaskStatus

    from upright.client.client import Client
    from upright.controllers.node.cluster_network import ClusterNetwork
    from upright.controllers.runtime.controller import Controller
    from upright.controllers.world.engine.protocol import Engine

COMPONENT = "kubelet"


class NodeParts(Struct, frozen=True):
    """What runs once the agent has started. ``sweep`` is to be run once the controllers' mirrors are in."""

    network: ClusterNetwork
    pods: PodController
    services: ServiceController
    sweeper: Sweeper

    @property
    def controllers(self) -> tuple[Controller[Any], ...]:
        """The controllers, for the manager."""
        return (self.pods, self.services)

    async def sweep(self) -> None:
        """Remove what is left of pods that are gone, until cancelled."""
        await self.sweeper.run(lambda uid: any(pod.metadata.uid == uid for pod in self.pods.caches.of(Pod).all()))


class NodeAgent:
    """Runs the pods of one cluster on one engine; ``labels`` mark everything made there, ``name`` its network."""

    def __init__(
        self, engine: Engine, client: Client, clock: Callable[[], datetime], *, name: str, labels: Mapping[str, str]
    ) -> None:
        self._engine = engine
        self._events = EventQueue(Recorder(client, COMPONENT, clock, NODE_NAME))
        self._clock = clock
        self._name = name
        self._labels = dict(labels)
        self.pause = PauseImage(engine)

    async def run(self, *, task_status: TaskStatus[NodeParts] = anyio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled; then everything with the labels goes. Raises EngineError where no pod can run."""
        async with cluster_network(self._engine, self._name, self._labels) as network:
            zone, proxy = Zone(), ServiceProxy(network.network)
            parts = self._parts(network, zone, proxy)
            async with anyio.create_task_group() as group:
                group.start_soon(self._events.run)
                await group.start(proxy.run)
                await group.start(NameServer(network.network, network.dns_ip, zone).run)
                await group.start(ContainerEvents(self._engine, self._labels, parts.pods.look).run)
                task_status.started(parts)

    def _parts(self, network: ClusterNetwork, zone: Zone, proxy: ServiceProxy) -> NodeParts:
        engine = self._engine
        workplace = Workplace(
            engine,
            network,
            Preparation(engine, self.pause, network, self._labels),
            PodStarter(engine, Images(engine), self._events, network.host_ip),
            self._events,
            self._clock,
        )
        sweeper = Sweeper(engine, self._labels, network.pods)
        services = ServiceController(proxy, zone, network.services, self._events)
        return NodeParts(network, PodController(workplace, sweeper), services, sweeper)
