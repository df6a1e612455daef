"""Any Kubernetes that a kubeconfig leads to, as the rest of Upright sees a cluster."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from upright.controllers.cluster_time import clock_ahead
from upright.controllers.world.kube_applying import KubeApplying
from upright.controllers.world.kube_connection import KubeConnection
from upright.controllers.world.kube_discovery import KubeDiscovery
from upright.controllers.world.kube_port import PodPort
from upright.controllers.world.kube_reflector import KubeReflector, Pace
from upright.controllers.world.kube_registry import find_registry
from upright.controllers.world.kube_user import KubeUser
from upright.controllers.world.kubernetes import AS_USUAL, ClusterInfo
from upright.openapi.errors import APIError, BadRequest, Forbidden, NotFound, ServiceUnavailable, Unauthorized
from upright.openapi.meta import format_time

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path

    from anyio.abc import ByteStream

    from upright.controllers.world.kubeconfig_files import ChosenContext
    from upright.controllers.world.kubernetes import ApplyHow, LogRequest, Ref, Sighting
    from upright.openapi.meta import Json

CONNECT_SECONDS = 15.0


class KubeconfigCluster:
    """Implements ``world.kubernetes.Kubernetes`` over HTTPS."""

    def __init__(
        self,
        connection: KubeConnection,
        context: ChosenContext,
        config: Path,
        pace: Pace,
        clock: Callable[[], datetime],
    ) -> None:
        self.ahead = timedelta()
        self._clock = clock
        self._connection = connection
        self._context = context
        self._config = config
        self._pace = pace
        self._discovery = KubeDiscovery(connection)
        self._applying = KubeApplying(connection, self._discovery, context.name)

    async def connect(self) -> ClusterInfo:
        """Ask the cluster what it is; raises ServiceUnavailable with what to do when it cannot be reached."""
        context = self._context
        try:
            version = await self._connection.call("GET", "/version", seconds=CONNECT_SECONDS)
            self.ahead = clock_ahead(self._connection.date, self._clock())
            node = await self._first_node()
        except (Unauthorized, Forbidden) as error:
            why = self._connection.why_refused() or error.message
            raise ServiceUnavailable(
                f"the cluster of context {context.name!r} at {context.server} does not let us in: {why}. "
                f"Log in again, and try `kubectl --context={context.name} version`"
            ) from error
        except APIError as error:
            raise ServiceUnavailable(
                f"cannot reach the cluster of context {context.name!r}: {error.message}. "
                f"Start it, or choose another one with --cluster=CONTEXT (--cluster=embedded needs none)"
            ) from error
        labels = (node.get("metadata") or {}).get("labels") or {}
        about = (node.get("status") or {}).get("nodeInfo") or {}
        return ClusterInfo(
            context=context.name,
            namespace=context.namespace,
            cluster=context.cluster,
            product=context.product,
            version=str(version.get("gitVersion", "")),
            arch=labels.get("kubernetes.io/arch") or labels.get("beta.kubernetes.io/arch") or "unknown",
            config_path=str(self._config),
            registry=await find_registry(self._connection, context.product, node),
            container_runtime=str(about.get("containerRuntimeVersion", "")).partition(":")[0],
        )

    async def _first_node(self) -> Json:
        """Return a node, or nothing where we may not see nodes; unlike /version, nobody sees them without credentials."""
        try:
            listed = await self._connection.call("GET", "/api/v1/nodes", {"limit": "1"}, seconds=CONNECT_SECONDS)
        except (Forbidden, NotFound):
            return {}
        return next(iter(listed.get("items") or ()), {})

    async def unwell(self) -> str:
        """Ask whether the cluster lives and is ready; the words are Tilt's, with what it answered."""
        for path, told in (("/livez", "cluster did not pass liveness check"), ("/readyz", "cluster not ready")):
            try:
                await self._connection.check(path, CONNECT_SECONDS)
            except (Unauthorized, Forbidden, NotFound):
                continue  # it answers, and does not tell us
            except APIError as error:
                return f"{told}: {error.message}"
        return ""

    async def apply(self, obj: Json, *, namespace: str, how: ApplyHow = AS_USUAL) -> Json:
        """Have the object as wanted; see ``Kubernetes.apply``."""
        return await self._applying.apply(obj, namespace, how)

    async def delete(self, ref: Ref) -> bool:
        """Ask for the object's end; return whether it was there, and there is such a kind."""
        return await self._applying.delete(ref)

    async def read(self, ref: Ref) -> Json | None:
        """Return the object, if it is there and for us to see."""
        try:
            kind = await self._discovery.find(ref.api_version, ref.kind)
            return await self._connection.call("GET", kind.path(ref.namespace, ref.name))
        except (NotFound, BadRequest, Forbidden):
            return None

    async def watch(self, api_version: str, kind: str, namespace: str, tell: Callable[[Sighting], None]) -> None:
        """Tell what is there, then each change; see ``Kubernetes.watch``."""
        what = (api_version, kind, namespace)
        await KubeReflector(self._connection, self._discovery, what, tell, self._pace).run()

    @asynccontextmanager
    async def logs(self, request: LogRequest) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Open a container's log; see ``Kubernetes.logs``."""
        query = {"container": request.container}
        for name in ("previous", "follow"):
            if getattr(request, name):
                query[name] = "true"
        if request.since is not None:
            query["sinceTime"] = format_time(request.since + self.ahead)
        path = f"/api/v1/namespaces/{request.namespace}/pods/{request.pod}/log"
        silence = None if request.follow else CONNECT_SECONDS * 2
        async with self._connection.stream(path, query, silence_seconds=silence) as content:
            yield content.iter_any()

    async def open_port(self, namespace: str, pod: str, port: int) -> ByteStream:
        """Connect to a port of a pod."""
        return await PodPort.open(self._connection, f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward", port)


@asynccontextmanager
async def kubeconfig_cluster(
    context: ChosenContext, config: Path, clock: Callable[[], datetime], pace: Pace | None = None
) -> AsyncGenerator[KubeconfigCluster]:
    """Lead to the context's cluster; ``config`` is where the frozen kubeconfig goes."""
    context.freeze(config)

    def user(entry: Json, cluster: Json) -> KubeUser:
        return KubeUser(entry, cluster, clock, os.environ, partial(context.refreshed, config))

    async with KubeConnection.open(context.config, config.parent, user) as connection:
        yield KubeconfigCluster(connection, context, config, pace or Pace(), clock)
