"""The controllers that make an embedded cluster of a server, but for the node agent: put together here, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from upright.controllers.garbage_collector import GarbageCollector
from upright.controllers.node import deployment, job, replica_set, scheduler
from upright.controllers.node.deployment import DeploymentController
from upright.controllers.node.endpoint_slices import EndpointSliceController
from upright.controllers.node.event_queue import EventQueue
from upright.controllers.node.events import Recorder
from upright.controllers.node.job import JobController
from upright.controllers.node.machine import ensure_node
from upright.controllers.node.namespaces import NamespaceController, ensure_namespaces
from upright.controllers.node.replica_set import ReplicaSetController
from upright.controllers.node.scheduler import SchedulerController
from upright.controllers.node.service_accounts import ServiceAccountController
from upright.controllers.runtime.manager import Manager

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from anyio.abc import TaskStatus

    from upright.client.client import Client
    from upright.controllers.runtime.controller import Controller
    from upright.openapi.core_v1.node import Node
    from upright.openapi.scheme import Scheme


class Workloads:
    """Namespaces, scheduler, Deployments, ReplicaSets, Jobs, EndpointSlices, garbage collector; ``beside`` them more."""

    def __init__(
        self,
        client: Client,
        scheme: Scheme,
        clock: Callable[[], datetime],
        node: Node,
        beside: Sequence[Controller[Any]] = (),  # Any: controllers of all kinds stand side by side
    ) -> None:
        self._client = client
        self._node = node
        components = (deployment.COMPONENT, replica_set.COMPONENT, job.COMPONENT, scheduler.COMPONENT)
        self._events = [EventQueue(Recorder(client, component, clock)) for component in components]
        of_deployments, of_replica_sets, of_jobs, of_scheduler = self._events
        controllers: list[Controller[Any]] = [
            DeploymentController(of_deployments),
            ReplicaSetController(of_replica_sets),
            JobController(of_jobs),
            SchedulerController(of_scheduler),
            NamespaceController(scheme),
            ServiceAccountController(),
            EndpointSliceController(),
            *beside,
        ]
        self.manager = Manager(client, clock, controllers)
        self._collector = GarbageCollector(self.manager.caches, scheme)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Make the namespaces and the node, then control until cancelled; says started when all mirrors are in."""
        await ensure_namespaces(self._client)
        await ensure_node(self._client, self._node)
        async with anyio.create_task_group() as group:
            for events in self._events:
                await group.start(events.run)
            await group.start(self.manager.run)
            await group.start(self._collector.run)
            task_status.started()
