"""Any Kubernetes that a kubeconfig leads to, as the rest of Upright sees a cluster."""

from __future__ import annotations

import random
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from upright.controllers.world.kube_connection import KubeConnection
from upright.controllers.world.kube_discovery import KubeDiscovery
from upright.controllers.world.kube_port import PodPort
from upright.controllers.world.kube_reflector import KubeReflector, Pace
from upright.controllers.world.kube_registry import find_registry
from upright.controllers.world.kubernetes import ClusterInfo
from upright.openapi.errors import (
    AlreadyExists,
    APIError,
    BadRequest,
    Conflict,
    Forbidden,
    InternalError,
    Invalid,
    NotFound,
    ServiceUnavailable,
    Timeout,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)
from upright.openapi.meta import format_time

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from pathlib import Path

    from anyio.abc import ByteStream

    from upright.controllers.world.kube_discovery import ServedKind
    from upright.controllers.world.kubeconfig_files import ChosenContext
    from upright.controllers.world.kubernetes import LogRequest, Ref, Sighting
    from upright.openapi.meta import Json

MANAGER = "upright"
CONNECT_SECONDS = 15.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
_APPLY = {"fieldManager": MANAGER, "force": "true"}
_BACKGROUND: Json = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
_IMMUTABLE = re.compile(
    r"immutable|updates to .* (?:is|are) forbidden|Forbidden: updates to|may not change", re.IGNORECASE
)
_PASSING = (Conflict, InternalError, ServiceUnavailable, Timeout, TooManyRequests)


class KubeconfigCluster:
    """Implements ``world.kubernetes.Kubernetes`` over HTTPS."""

    def __init__(self, connection: KubeConnection, context: ChosenContext, config: Path, pace: Pace) -> None:
        self._connection = connection
        self._context = context
        self._config = config
        self._pace = pace
        self._discovery = KubeDiscovery(connection)
        self._server_side = True

    async def connect(self) -> ClusterInfo:
        """Ask the cluster what it is; raises ServiceUnavailable with what to do when it cannot be reached."""
        context = self._context
        try:
            version = await self._connection.call("GET", "/version", seconds=CONNECT_SECONDS)
            node = await self._first_node()
        except (Unauthorized, Forbidden) as error:
            raise ServiceUnavailable(
                f"the cluster of context {context.name!r} at {context.server} does not let us in: {error.message}. "
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

    async def apply(self, obj: Json, *, namespace: str) -> Json:
        """Have the object as wanted by server-side apply; see ``Kubernetes.apply``.

        What may pass (conflicts, webhooks and servers that are away) is tried again until the caller's deadline is near.
        """
        served = await self._discovery.find(str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
        wanted, path = _wanted(obj, served, namespace)
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                answer = await self._put(wanted, path)
            except (Invalid, Forbidden, BadRequest) as error:
                if not _IMMUTABLE.search(error.message):
                    raise
                await self._end(path)
                continue
            except _PASSING as error:
                if anyio.current_time() + pause * 2 > anyio.current_effective_deadline():
                    raise
                del error
                await anyio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  reason: jitter, no secret
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            if "deletionTimestamp" in answer["metadata"]:
                await self._gone(path, answer["metadata"].get("uid"))
                continue
            return answer

    async def _put(self, wanted: Json, path: str) -> Json:
        if self._server_side:
            try:
                answer = await self._connection.call(
                    "PATCH", path, _APPLY, wanted, media="application/apply-patch+yaml"
                )
            except UnsupportedMediaType:
                self._server_side = False
            else:
                answer["metadata"].pop("managedFields", None)
                return answer
        by = {"fieldManager": MANAGER}
        try:
            return await self._connection.call("POST", path.rpartition("/")[0], by, wanted)
        except AlreadyExists:
            return await self._connection.call("PATCH", path, by, wanted, media="application/merge-patch+json")

    async def _end(self, path: str) -> None:
        """Delete the object and wait until it is gone."""
        try:
            there = await self._connection.call("GET", path)
            await self._connection.call("DELETE", path, body=_BACKGROUND)
        except NotFound:
            return
        await self._gone(path, there["metadata"].get("uid"))

    async def _gone(self, path: str, uid: object) -> None:
        pause = 0.05
        while True:
            try:
                there = await self._connection.call("GET", path)
            except NotFound:
                return
            if there["metadata"].get("uid") != uid:
                return
            await anyio.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    async def delete(self, ref: Ref) -> bool:
        """Ask for the object's end; return whether it was there, and there is such a kind."""
        try:
            served = await self._discovery.find(ref.api_version, ref.kind)
            await self._connection.call("DELETE", served.path(ref.namespace, ref.name), body=_BACKGROUND)
        except (NotFound, BadRequest):
            return False
        return True

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
            query["sinceTime"] = format_time(request.since)
        path = f"/api/v1/namespaces/{request.namespace}/pods/{request.pod}/log"
        silence = None if request.follow else CONNECT_SECONDS * 2
        async with self._connection.stream(path, query, silence_seconds=silence) as content:
            yield content.iter_any()

    async def open_port(self, namespace: str, pod: str, port: int) -> ByteStream:
        """Connect to a port of a pod."""
        return await PodPort.open(self._connection, f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward", port)


@asynccontextmanager
async def kubeconfig_cluster(
    context: ChosenContext, config: Path, pace: Pace | None = None
) -> AsyncGenerator[KubeconfigCluster]:
    """Lead to the context's cluster; ``config`` is where the frozen kubeconfig goes."""
    context.freeze(config)
    async with KubeConnection.open(config) as connection:
        yield KubeconfigCluster(connection, context, config, pace or Pace())


def _wanted(obj: Json, served: ServedKind, namespace: str) -> tuple[Json, str]:
    """Return the object as it is sent, and the path it is sent to."""
    given: dict[str, Any] = obj.get("metadata") or {}
    meta = {name: value for name, value in given.items() if name not in {"creationTimestamp", "managedFields"}}
    space = str(meta.get("namespace") or namespace) if served.namespaced else ""
    if space:
        meta["namespace"] = space
    name = str(meta.get("name") or "")
    if not name:
        raise BadRequest(f"{served.kind}: metadata.name is required: a name is what apply finds the object by")
    bare: Json = {key: value for key, value in obj.items() if key != "status"} | {"metadata": meta}
    return bare, served.path(space, name)
