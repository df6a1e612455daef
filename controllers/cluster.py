"""The Cluster controller: connects to the cluster, keeps the connection, and says what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import anyio
from msgspec import Struct
from msgspec.structs import replace

from upright.controllers.runtime.controller import Controller, Outcome
from upright.controllers.sight import Sight
from upright.openapi.errors import APIError
from upright.openapi.v1alpha1.cluster import (
    Cluster,
    ClusterConnectionStatus,
    ClusterStatus,
    KubernetesConnectionStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from upright.controllers.clusters import Clusters
    from upright.controllers.engines import Engines
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.kubernetes import ClusterInfo, Kubernetes
    from upright.controllers.world.logs import Logs
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.cluster import ClusterSpec


HEALTH_SECONDS = 15.0
UNWELL_TIMES = 4
"""So often in a row a cluster must be unwell before that is told."""


class _Connected(Struct, frozen=True):
    info: ClusterInfo
    at: datetime
    error: str = ""


class ClusterController(Controller[Cluster]):
    """Connects; ``opener`` leads to the cluster a spec names (or starts the embedded one) and ends it afterwards."""

    kind: ClassVar[type[Object]] = Cluster
    heeds_status: ClassVar[bool] = False

    def __init__(
        self,
        opener: Callable[[ClusterSpec], AbstractAsyncContextManager[Kubernetes]],
        clusters: Clusters,
        logs: Logs,
        clock: Callable[[], datetime],
        engines: Engines | None = None,
    ) -> None:
        self._opener = opener
        self._engines = engines
        self._clusters = clusters
        self._logs = logs
        self._clock = clock

    async def reconcile(self, turn: Turn[Cluster]) -> Outcome:
        cluster = turn.obj
        connection = cluster.spec.connection
        if connection is not None and connection.docker is not None:
            return Outcome(self._of_engine(turn))
        if connection is None or connection.kubernetes is None:
            return Outcome()
        cause = connection.model_dump_json()
        view = turn.tasks.ensure("connection", cause, lambda report: self._connect(cluster, report))
        if view.error is not None:
            return Outcome(ClusterStatus(error=self._explain(view.error)))
        connected = view.value
        if not isinstance(connected, _Connected):
            return Outcome(ClusterStatus())
        return Outcome(_status(connected, cluster))

    def _of_engine(self, turn: Turn[Cluster]) -> ClusterStatus:
        """Return what the container engine is on which Compose services run."""
        engines = self._engines
        if engines is None:
            return ClusterStatus(error="there is no container engine here")
        view = turn.tasks.ensure("engine", "engine", lambda _: engines.get())
        if view.error is not None:
            return ClusterStatus(error=self._explain(view.error))
        if view.result is None:
            return ClusterStatus()
        info = view.result.info
        connected = turn.obj.status.connected_at or self._clock()
        return ClusterStatus(
            arch=info.arch,
            connected_at=connected,
            version=info.version,
            container_runtime=info.product,
        )

    async def _connect(self, cluster: Cluster, report: Callable[[Any], None]) -> None:
        async with self._opener(cluster.spec) as kubernetes, anyio.create_task_group() as group:
            info = await kubernetes.connect()
            self._clusters.put(cluster.name, kubernetes, Sight(kubernetes, group, self._clock, self._warn))
            try:
                connected = _Connected(info, self._clock())
                report(connected)
                await self._heed(kubernetes, connected, report)
            finally:
                self._clusters.remove(cluster.name)
                group.cancel_scope.cancel()

    async def _heed(self, kubernetes: Kubernetes, connected: _Connected, report: Callable[[Any], None]) -> None:
        """Ask how the cluster is from time to time, and tell when it is unwell for long, and when it is well again."""
        failed = 0
        while True:
            await anyio.sleep(HEALTH_SECONDS)
            trouble = await kubernetes.unwell()
            failed = failed + 1 if trouble else 0
            told = trouble if failed >= UNWELL_TIMES else ""
            if told == connected.error:
                continue
            connected = replace(connected, error=told)
            report(connected)
            log = self._logs.open("cluster", "")
            if told:
                log.write(f"Cluster status error: {told}", level="ERROR")
            else:
                log.write("The cluster is well again")

    def _warn(self, text: str) -> None:
        self._logs.open("cluster", "").write(text, level="WARN")

    def _explain(self, error: BaseException) -> str:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        message = error.message if isinstance(error, APIError) else str(error) or type(error).__name__
        self._logs.open("cluster", "").write(f"Cluster status error: {message}", level="ERROR")
        return message


def _status(connected: _Connected, cluster: Cluster) -> ClusterStatus:
    info = connected.info
    kubernetes = KubernetesConnectionStatus(
        context=info.context,
        namespace=info.namespace,
        cluster=info.cluster,
        product=info.product,
        config_path=info.config_path,
    )
    registry = info.registry or cluster.spec.default_registry
    return ClusterStatus(
        arch=info.arch or "unknown",
        connected_at=connected.at,
        registry=registry,
        connection=ClusterConnectionStatus(kubernetes=kubernetes),
        version=info.version,
        container_runtime=info.container_runtime,
        error=connected.error,
    )
