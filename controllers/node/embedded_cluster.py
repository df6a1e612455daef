"""The embedded cluster as the rest of Upright sees any cluster: objects as JSON, watches, logs and ports."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import anyio
import orjson

from upright.client.transport import Request
from upright.controllers.node.pod_access import LogOptions
from upright.controllers.world.kubernetes import AS_USUAL, Sighting
from upright.openapi.errors import AlreadyExists, BadRequest, Conflict, Expired, Gone, Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from anyio.abc import ByteStream

    from upright.client.transport import Transport
    from upright.controllers.node.pod_access import PodAccess
    from upright.controllers.world.kubernetes import ApplyHow, ClusterInfo, LogRequest, Ref
    from upright.openapi.meta import Json, Object
    from upright.openapi.scheme import Scheme

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
ATTEMPTS = 20


class EmbeddedCluster:
    """Implements ``world.kubernetes.Kubernetes`` over a server in the same process."""

    def __init__(self, transport: Transport, scheme: Scheme, access: PodAccess, info: ClusterInfo) -> None:
        self._transport = transport
        self._scheme = scheme
        self._access = access
        self._info = info
        self.ahead = timedelta()

    async def connect(self) -> ClusterInfo:
        """Return what the cluster is; it is in this process, and always reached."""
        return self._info

    async def unwell(self) -> str:
        """Return that nothing is wrong: it is as well as this process."""
        return ""

    async def apply(self, obj: Json, *, namespace: str, how: ApplyHow = AS_USUAL) -> Json:
        """Create the object or patch it to what is wanted; what cannot be changed in place is deleted and made anew."""
        kind = self._kind(str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
        meta = obj.get("metadata") or {}
        place = str(meta.get("namespace") or namespace) if kind.definition.namespaced else ""
        wanted = _annotated(obj, place)
        for _ in range(ATTEMPTS):
            try:
                return await self._call("create", kind, wanted, place)
            except AlreadyExists:
                pass
            try:
                return await self._change(kind, wanted, place)
            except Invalid as error:
                what = f"{kind.definition.kind}/{meta.get('name')}"
                how.say(f"{what} cannot be changed to what is wanted: it is deleted, and made anew ({error.message})")
                await self._replace(kind, str(meta.get("name", "")), place)
            except (Conflict, NotFound):
                continue
        raise Conflict(f"{kind.definition.kind}/{meta.get('name')}: somebody else keeps changing it")

    async def _change(self, kind: type[Object], wanted: Json, namespace: str) -> Json:
        there = await self._call("get", kind, wanted, namespace)
        notes = there["metadata"].get("annotations") or {}
        before: Json = orjson.loads(notes[LAST_APPLIED]) if LAST_APPLIED in notes else {}
        patch = _with_removals(wanted, before)
        strategic = kind.definition.merge_keys is not None
        return await self._transport.call(
            Request(
                "patch",
                kind,
                wanted["metadata"]["name"],
                namespace,
                body=patch,
                patch_type="strategic" if strategic else "merge",
                field_manager="upright",
            )
        )

    async def _replace(self, kind: type[Object], name: str, namespace: str) -> None:
        """Delete the object and wait until it is gone."""
        await self._transport.call(Request("delete", kind, name, namespace, propagation="Background"))
        field = f"metadata.name={name}"
        watch = Request("watch", kind, namespace=namespace, field_selector=field)
        async with self._transport.watch(watch) as events:
            try:
                await self._transport.call(Request("get", kind, name, namespace))
            except NotFound:
                return
            async for event in events:
                if event.type == "DELETED":
                    return

    async def delete(self, ref: Ref) -> bool:
        """Ask for the object's end; return whether it was there."""
        kind = self._kind(ref.api_version, ref.kind)
        try:
            await self._transport.call(Request("delete", kind, ref.name, ref.namespace, propagation="Background"))
        except NotFound:
            return False
        return True

    async def read(self, ref: Ref) -> Json | None:
        """Return the object, if it is there."""
        kind = self._scheme.by_kind(ref.api_version, ref.kind)
        if kind is None:
            return None
        try:
            return await self._transport.call(Request("get", kind, ref.name, ref.namespace))
        except NotFound:
            return None

    async def watch(self, api_version: str, kind: str, namespace: str, tell: Callable[[Sighting], None]) -> None:
        """Tell what is there, then each change; see ``Kubernetes.watch``."""
        found = self._scheme.by_kind(api_version, kind)
        if found is None:
            tell(Sighting("SYNCED", {}))
            await anyio.sleep_forever()
            return
        while True:
            listing = await self._transport.call(Request("list", found, namespace=namespace))
            for item in listing["items"]:
                tell(Sighting("ADDED", item))
            tell(Sighting("SYNCED", {}))
            since = str(listing["metadata"]["resourceVersion"])
            with suppress(Gone, Expired):
                await self._follow(Request("watch", found, namespace=namespace, resource_version=since), tell)
            tell(Sighting("LOST", {}))

    async def _follow(self, request: Request, tell: Callable[[Sighting], None]) -> None:
        async with self._transport.watch(request) as events:
            async for event in events:
                if event.type != "BOOKMARK":
                    tell(Sighting(event.type, event.object))

    @asynccontextmanager
    async def logs(self, request: LogRequest) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Open a container's log; see ``Kubernetes.logs``."""
        options = LogOptions(
            container=request.container,
            follow=request.follow,
            previous=request.previous,
            attempt=request.attempt,
            since_time=request.since,
        )
        async with self._access.log(request.namespace, request.pod, options) as chunks:
            yield chunks

    async def open_port(self, namespace: str, pod: str, port: int) -> ByteStream:
        """Connect to a port of a pod."""
        return await self._access.open_port(namespace, pod, port)

    async def _call(self, verb: Any, kind: type[Object], obj: Json, namespace: str) -> Json:  # noqa: ANN401  reason: a verb's literal
        body = obj if verb == "create" else None
        return await self._transport.call(
            Request(verb, kind, obj["metadata"]["name"], namespace, body=body, field_manager="upright")
        )

    def _kind(self, api_version: str, kind: str) -> type[Object]:
        found = self._scheme.by_kind(api_version, kind)
        if found is None:
            known = ", ".join(sorted({one.definition.kind for one in self._scheme}))
            raise BadRequest(
                f'no matches for kind "{kind}" in version "{api_version}": the embedded cluster has {known}; '
                f"for anything else use a real cluster (--cluster=CONTEXT)"
            )
        return found


def _annotated(obj: Json, namespace: str) -> Json:
    """Return the object with its namespace, and with itself as what was last applied, as kubectl notes it."""
    meta = {name: value for name, value in (obj.get("metadata") or {}).items() if name != "creationTimestamp"}
    if namespace:
        meta["namespace"] = namespace
    bare: Json = {name: value for name, value in obj.items() if name != "status"} | {"metadata": meta}
    notes = {**(meta.get("annotations") or {}), LAST_APPLIED: orjson.dumps(bare).decode()}
    return {**bare, "metadata": {**meta, "annotations": notes}}


def _with_removals(wanted: Json, before: Json) -> Json:
    """Return a patch: what is wanted, and null for each field that was applied before and is wanted no more."""
    patch: Json = dict(wanted)
    for name, old in before.items():
        if name not in wanted:
            patch[name] = None
        elif isinstance(old, dict) and isinstance(wanted[name], dict):
            patch[name] = _with_removals(wanted[name], old)
    return patch
