"""Has objects in a cluster as wanted: tries again what may pass, makes anew what cannot be changed, waits for kinds to be there."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from upright.controllers.world import last_applied
from upright.controllers.world.field_owners import taken_over
from upright.controllers.world.kube_patience import next_step, pause_seconds, with_what_is_missing, worn_out
from upright.controllers.world.kube_pressure import Pressure
from upright.controllers.world.kubernetes import AS_USUAL, ApplyHow
from upright.openapi.errors import (
    AlreadyExists,
    APIError,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    UnsupportedMediaType,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from upright.controllers.world.kube_connection import KubeConnection, Method
    from upright.controllers.world.kube_discovery import KubeDiscovery, ServedKind
    from upright.controllers.world.kubernetes import Ref
    from upright.openapi.meta import Json

MANAGER = "upright"
KEPT_SECONDS = 0.3
"""So long before the deadline it is said what was waited for, rather than that time was over."""
MOST_TIMES_ANEW = 3
_APPLY = {"fieldManager": MANAGER, "force": "true"}
_WRITE = {"fieldManager": MANAGER}
_BACKGROUND: Json = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
_HOLDS_MORE = frozenset({"CustomResourceDefinition", "Namespace", "PersistentVolume", "PersistentVolumeClaim"})
"""With these goes what no apply makes again."""

Answer = TypeVar("Answer")


class KubeApplying:
    """Writes to one cluster; ``context`` is its name in messages."""

    def __init__(self, connection: KubeConnection, discovery: KubeDiscovery, context: str) -> None:
        self._connection = connection
        self._discovery = discovery
        self._context = context
        self._server_side = True
        self._pressure = Pressure()

    async def apply(self, obj: Json, namespace: str, how: ApplyHow = AS_USUAL) -> Json:
        """Have the object as wanted; see ``Kubernetes.apply``.

        Shortly before the caller's deadline the last refusal is raised, or a TimeoutError that says what was waited for.
        """
        applying = _Applying(self, obj, namespace, how)
        return await self._patiently(applying, applying.run)

    async def delete(self, ref: Ref) -> bool:
        """Ask for the object's end; return whether it was there, and there is such a kind."""
        trying = _Trying(str(ref))

        async def run() -> bool:
            while True:
                try:
                    served = await self._discovery.find(ref.api_version, ref.kind)
                    await self.write("DELETE", served.path(ref.namespace, ref.name), body=_BACKGROUND)
                except (NotFound, BadRequest):
                    return False
                except APIError as error:
                    if next_step(error) != "again":
                        raise self.told(error) from error
                    await trying.pause(error)
                else:
                    return True

        return await self._patiently(trying, run)

    async def _patiently(self, trying: _Trying, run: Callable[[], Awaitable[Answer]]) -> Answer:
        with anyio.CancelScope(deadline=anyio.current_effective_deadline() - KEPT_SECONDS):
            return await run()
        raise trying.out_of_time()

    async def put(self, wanted: Json, path: str, *, client_side: bool) -> Json:
        """Create the object or change it, by server-side apply unless that is not wanted or not to be had."""
        if self._server_side and not client_side:
            try:
                answer = await self._put_there(wanted, path)
            except UnsupportedMediaType:
                self._server_side = False
            else:
                answer["metadata"].pop("managedFields", None)
                return answer
        return await self._put_from_here(wanted, path)

    async def _put_there(self, wanted: Json, path: str) -> Json:
        """Apply on the server's side; fields that somebody applied from a client's side before are taken over.

        With these left as they are even what is right may be refused, so a refusal is looked at the same way.
        """
        try:
            answer = await self._server_side_apply(wanted, path)
        except Invalid as error:
            try:
                there = await self.read(path)
            except NotFound:
                raise error from None
            if not await self._take_over(there, path):
                raise
            return await self._server_side_apply(wanted, path)
        if await self._take_over(answer, path):
            return await self._server_side_apply(wanted, path)
        return answer

    async def _server_side_apply(self, wanted: Json, path: str) -> Json:
        return await self.write("PATCH", path, _APPLY, wanted, media="application/apply-patch+yaml")

    async def _take_over(self, there: Json, path: str) -> bool:
        meta: Json = there["metadata"]
        owners = taken_over(meta.get("managedFields") or (), MANAGER)
        if owners is None:
            return False
        patch: Json = {"metadata": {"managedFields": owners, "resourceVersion": meta.get("resourceVersion")}}
        await self.write("PATCH", path, _WRITE, patch, media="application/merge-patch+json")
        return True

    async def _put_from_here(self, wanted: Json, path: str) -> Json:
        body = last_applied.noted(wanted)
        try:
            there = await self.read(path)
        except NotFound:
            try:
                return await self.write("POST", path.rpartition("/")[0], _WRITE, body)
            except AlreadyExists as error:
                raise Conflict(error.message) from error
        last = last_applied.before(there)
        try:
            patch = last_applied.strategic_patch(body, last)
            return await self.write("PATCH", path, _WRITE, patch, media="application/strategic-merge-patch+json")
        except UnsupportedMediaType:
            patch = last_applied.merge_patch(body, last)
            return await self.write("PATCH", path, _WRITE, patch, media="application/merge-patch+json")

    async def find(self, api_version: str, kind: str, *, anew: bool = False) -> ServedKind:
        """Return where objects of the kind are; ``anew`` asks the server even if that is known."""
        if anew:
            self._discovery.forget(api_version, kind)
        return await self._discovery.find(api_version, kind)

    async def read(self, path: str) -> Json:
        """Return what is there."""
        return await self._connection.call("GET", path)

    async def write(
        self,
        method: Method,
        path: str,
        query: dict[str, str] | None = None,
        body: Json | None = None,
        *,
        media: str = "application/json",
    ) -> Json:
        """Make one writing call when it is its turn."""
        async with self._pressure.turn():
            return await self._connection.call(method, path, query, body, media=media)

    async def remove(self, path: str) -> None:
        """Ask for the end of what is there."""
        await self.write("DELETE", path, body=_BACKGROUND)

    def told(self, error: APIError) -> APIError:
        """Return the cluster's last word, with what to do where we know it."""
        return with_what_is_missing(error, self._context) if isinstance(error, Forbidden) else error


class _Trying:
    """How often something was tried, what the last answer was, and what is waited for."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.waits_for = ""
        self._tries = 0
        self._last: APIError | None = None
        self._begun = anyio.current_time()

    async def pause(self, error: APIError) -> None:
        """Wait before the next attempt; cut short by the deadline."""
        self._last = error
        seconds = pause_seconds(error, self._tries)
        self._tries += 1
        await anyio.sleep(seconds * random.uniform(1.0, 1.5))  # noqa: S311  reason: jitter, no secret

    def out_of_time(self) -> Exception:
        """Return what to raise when there is no time left."""
        if self.waits_for:
            return TimeoutError(self.waits_for)
        if self._last is not None:
            return worn_out(self._last, self._tries, anyio.current_time() - self._begun)
        return TimeoutError(f"no answer about {self.what}")


class _Applying(_Trying):
    """One object on its way into the cluster."""

    def __init__(self, cluster: KubeApplying, obj: Json, namespace: str, how: ApplyHow) -> None:
        self._kind = (str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
        super().__init__(f"{self._kind[1]}/{(obj.get('metadata') or {}).get('name', '')}")
        self._cluster = cluster
        self._obj = obj
        self._namespace = namespace
        self._how = how
        self._times_anew = 0

    async def run(self) -> Json:
        """Return the object as the cluster has it."""
        served = await self._served()
        wanted, path = as_sent(self._obj, served, self._namespace)
        while True:
            try:
                answer = await self._cluster.put(wanted, path, client_side=self._how.client_side)
            except APIError as error:
                await self._after(error, path)
                continue
            if "deletionTimestamp" in answer["metadata"]:
                await self._until_gone(answer, path)
                continue
            if self._kind[1] == "CustomResourceDefinition":
                await self._until_served(path)
            return answer

    async def _served(self) -> ServedKind:
        """Return where objects of the kind are; that the server is away now is no answer."""
        while True:
            try:
                return await self._cluster.find(*self._kind)
            except APIError as error:
                comes = self._how.awaits_kind and isinstance(error, BadRequest)
                if not comes and next_step(error) != "again":
                    raise self._cluster.told(error) from error
                await self.pause(error)

    async def _after(self, error: APIError, path: str) -> None:
        """Do what makes another attempt worthwhile; raises the error if nothing does."""
        step = next_step(error)
        if step == "say":
            raise self._cluster.told(error) from error
        if step == "again":
            if isinstance(error, NotFound):
                await self._cluster.find(*self._kind, anew=True)
            await self.pause(error)
            return
        self._times_anew += 1
        if self._times_anew > MOST_TIMES_ANEW:
            raise error
        try:
            there = await self._cluster.read(path)
        except NotFound:
            return
        _may_go(there, self._kind[1], error)
        self._how.say(
            f"{self.what} cannot be changed to what is wanted: it is deleted, and made anew ({error.message})"
        )
        await self._cluster.remove(path)
        await self._until_gone(there, path)

    async def _until_gone(self, there: Json, path: str) -> None:
        """Wait until the object of this uid is not there any more."""
        uid, pause = there["metadata"].get("uid"), 0.05
        while there["metadata"].get("uid") == uid:
            self.waits_for = f"{self.what} is being deleted, and is not gone{_what_holds(there)}"
            await anyio.sleep(pause)
            pause = min(pause * 1.5, 0.5)
            try:
                there = await self._cluster.read(path)
            except NotFound:
                break
            except APIError as error:
                if next_step(error) != "again":
                    raise
        self.waits_for = ""

    async def _until_served(self, path: str) -> None:
        """Wait until the definition's kind can be used: what is applied next may be of it."""
        self.waits_for, pause = f"{self.what} is not established", 0.02
        while True:
            there = await self._cluster.read(path)
            conditions = {one["type"]: one for one in (there.get("status") or {}).get("conditions") or ()}
            names = conditions.get("NamesAccepted") or {}
            if names.get("status") == "False":
                raise Invalid(f"its names are not accepted: {names.get('message') or names.get('reason')}")
            if (conditions.get("Established") or {}).get("status") == "True" and await self._is_discovered(
                there["spec"]
            ):
                self.waits_for = ""
                return
            await anyio.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    async def _is_discovered(self, spec: Json) -> bool:
        for version in spec.get("versions") or ():
            if version.get("served"):
                try:
                    await self._cluster.find(f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                except BadRequest:
                    return False
        return True


def as_sent(obj: Json, served: ServedKind, namespace: str) -> tuple[Json, str]:
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


def _may_go(there: Json, kind: str, error: APIError) -> None:
    """Raise the refusal if with the object more would go than can be made again."""
    notes: Json = there["metadata"].get("annotations") or {}
    why = ""
    if notes.get("tilt.dev/down-policy") == "keep":
        why = "its annotation says to keep it"
    elif kind in _HOLDS_MORE:
        why = "more would go with it than can be made again"
    if why:
        told = f"{error.message}. It is not deleted and made anew, for {why}: delete it yourself, or leave the field"
        raise type(error)(told, causes=error.causes, details=error.details)


def _what_holds(there: Json) -> str:
    """Return what keeps an object that is being deleted from being gone, as it says itself."""
    conditions = (there.get("status") or {}).get("conditions") or ()
    said = [
        str(one["message"])
        for one in conditions
        if there.get("kind") == "Namespace" and one.get("status") == "True" and one.get("message")
    ]
    finalizers = there["metadata"].get("finalizers") or ()
    if finalizers:
        said.append(f"its finalizers are {', '.join(finalizers)}")
    return f": {'; '.join(said)}" if said else ""
