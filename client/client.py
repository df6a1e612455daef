"""The typed verbs: get, list, watch, create, update, patch, delete; the class of a kind says what comes back."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar, Unpack

import anyio

from upright.client.log_reading import LogLines, LogOptions, log_lines
from upright.client.resuming import Relisted, Resuming
from upright.client.transport import FarTransport, PatchType, Propagation, Request, Transport, WatchEvent
from upright.client.waiting import Until
from upright.openapi.errors import MethodNotAllowed
from upright.openapi.meta import Object, ObjectMeta

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from upright.client.channels import Finished
    from upright.openapi.meta import Json

T = TypeVar("T", bound=Object)
FIELD_MANAGER = "upright-client"
WATCH_PATIENCE_SECONDS = 60.0
WAIT_SECONDS = 30.0
GONE = "delete"
CALL_PATIENCE_SECONDS = 10.0
_SERVERS_OWN = frozenset({"managedFields", "uid", "creationTimestamp", "generation"})


class Listing(NamedTuple, Generic[T]):
    """A consistent snapshot: the objects, and the resourceVersion to watch from."""

    items: tuple[T, ...]
    resource_version: str


class Change(Generic[T]):
    """A watch event; ``object`` is made when it is first asked for, and None for BOOKMARK and RELISTED."""

    __slots__ = ("_kind", "_object", "body", "type")

    def __init__(self, event: WatchEvent | Relisted, kind: type[T]) -> None:
        self.type = event.type
        self.body = event.object
        self._kind = kind
        self._object: T | None = None

    @property
    def resource_version(self) -> str:
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def object(self) -> T | None:
        if self._object is None and self.type not in {"BOOKMARK", "RELISTED"}:
            self._object = self._kind.model_validate(self.body)
        return self._object


class Client:
    """The verbs, typed by kind, over one Transport; ``partition`` is the Session whose objects are meant."""

    def __init__(self, transport: Transport, *, partition: str = "") -> None:
        self._transport = transport
        self._partition = partition

    @classmethod
    def connect(
        cls,
        url: str = "",
        *,
        token: str = "",
        authority: str = "",
        session: str = "",
        patience: float = CALL_PATIENCE_SECONDS,
    ) -> AbstractAsyncContextManager[Client]:
        """Connect to a server of ours: without a URL to the one that runs in this folder, or the only one.

        For the URL of a server that this user runs its token is known; for another one say it, and the PEM of the
        authority that its certificate is by. ``session`` is one of those in a shared server. A call that finds
        nobody listening waits ``patience`` seconds. Raises ServiceUnavailable if no server is found.
        """
        from upright.client.connecting import access_to, connected  # noqa: PLC0415  reason: it needs aiohttp

        return connected(cls, access_to(url, token, authority), session=session, patience=patience)

    @classmethod
    def from_kubeconfig(
        cls, path: str | Path = "", *, context: str = "", patience: float = CALL_PATIENCE_SECONDS
    ) -> AbstractAsyncContextManager[Client]:
        """Connect to the server of a kubeconfig's context, any Kubernetes too; as kubectl finds them, unless said.

        A plugin that it names (``exec``) is run. Raises ValueError for a kubeconfig that cannot be used.
        """
        from upright.client.connecting import connected_by  # noqa: PLC0415  reason: as above
        from upright.client.contexts import way_of  # noqa: PLC0415  reason: as above

        return connected_by(cls, way_of(path, context), patience=patience)

    async def get(self, kind: type[T], name: str, *, namespace: str = "") -> T:
        """Return the object; raises NotFound."""
        request = Request("get", kind, name, namespace, partition=self._partition)
        return kind.model_validate(await self._transport.call(request))

    async def list(
        self, kind: type[T], *, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> Listing[T]:
        """Return all objects of the kind that the selectors match."""
        answer = await self._transport.call(
            Request(
                "list",
                kind,
                namespace=namespace,
                partition=self._partition,
                label_selector=label_selector,
                field_selector=field_selector,
            )
        )
        items = tuple(kind.model_validate(item) for item in answer["items"])
        return Listing(items, str(answer["metadata"]["resourceVersion"]))

    @asynccontextmanager
    async def watch(  # noqa: PLR0913  reason: what is watched, and how
        self,
        kind: type[T],
        *,
        resource_version: str = "",
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        resume: bool = True,
        patience: float = WATCH_PATIENCE_SECONDS,
    ) -> AsyncGenerator[AsyncIterator[Change[T]]]:
        """Open a watch from a resourceVersion on; without one it begins with ADDED for what is there.

        It goes on when its connection breaks, until there has been none for ``patience`` seconds: ServiceUnavailable.
        RELISTED says that the past is forgotten: ADDED for all that is there follows, and what was known before counts
        no more. With ``resume=False`` it ends with its connection, and raises Gone or Expired.
        """
        request = Request(
            "watch",
            kind,
            namespace=namespace,
            partition=self._partition,
            resource_version=resource_version,
            label_selector=label_selector,
            field_selector=field_selector,
        )
        opened: AbstractAsyncContextManager[AsyncIterator[WatchEvent | Relisted]]
        opened = Resuming(self._transport, request, patience) if resume else self._transport.watch(request)
        async with opened as events:

            async def changes() -> AsyncIterator[Change[T]]:
                async for event in events:
                    yield Change(event, kind)

            yield changes()

    async def wait(
        self,
        kind: type[T],
        name: str,
        until: str | Callable[[T], object],
        *,
        namespace: str = "",
        timeout: float = WAIT_SECONDS,  # noqa: ASYNC109  reason: its error says how far the object is
    ) -> T:
        """Return the object as soon as it is as wanted, also if it is only made meanwhile.

        ``until`` is what ``upright wait --for`` takes (``condition=Ready``, ``jsonpath={.status.updateStatus}=ok``,
        ``create``), or says it of the object. Raises TimeoutError with how far the object is.
        """
        if until == GONE:
            raise ValueError("for the end of an object there is wait_gone")
        return kind.model_validate(await self._awaited(kind, name, until, namespace=namespace, seconds=timeout))

    async def wait_gone(
        self,
        kind: type[Object],
        name: str,
        *,
        namespace: str = "",
        timeout: float = WAIT_SECONDS,  # noqa: ASYNC109  reason: as above
    ) -> None:
        """Wait until there is no such object. Raises TimeoutError with how far it is."""
        await self._awaited(kind, name, GONE, namespace=namespace, seconds=timeout)

    async def _awaited(
        self, kind: type[T], name: str, until: str | Callable[[T], object], *, namespace: str, seconds: float
    ) -> Json | None:
        wanted = Until(kind, until)
        selector = f"metadata.name={name}"
        request = Request("list", kind, namespace=namespace, partition=self._partition, field_selector=selector)
        try:
            with anyio.fail_after(seconds):
                return await wanted.found(self._transport, request)
        except TimeoutError:
            plural = kind.definition.plural
            raise TimeoutError(f"{plural}/{name} is not as wanted after {seconds:g} s: {wanted.remark()}") from None

    def logs(self, kind: type[Object], name: str, *, namespace: str = "", **options: Unpack[LogOptions]) -> LogLines:
        """Return the log lines of a Session, a Resource or a Pod: ``async with client.logs(…) as lines``.

        With ``follow=True`` they go on; ``tail`` is how many there are to be at most before that.
        """
        return log_lines(self._far(), Request("get", kind, name, namespace, "log", self._partition), options)

    async def exec(
        self, pod: str, command: Sequence[str], *, namespace: str = "default", container: str = "", stdin: bytes = b""
    ) -> Finished:
        """Run a program in a container of a pod, to its end, whatever its exit code."""
        from upright.client.executing import executed  # noqa: PLC0415  reason: it needs the kinds of Kubernetes

        return await executed(self._far(), pod, namespace, command, container=container, stdin=stdin)

    def _far(self) -> FarTransport:
        if not isinstance(self._transport, FarTransport):
            raise MethodNotAllowed("logs and exec go over HTTP: this client is in the server's own process")
        return self._transport

    async def create(self, obj: T) -> T:
        """Create the object and return it as stored; raises AlreadyExists, Invalid."""
        return await self._write("create", obj)

    async def update(self, obj: T) -> T:
        """Replace the object (its status stays); raises Conflict if its resourceVersion is stale."""
        return await self._write("update", obj)

    async def update_status(self, obj: T) -> T:
        """Replace the object's status (all else stays); raises Conflict if its resourceVersion is stale."""
        return await self._write("update", obj, subresource="status")

    async def patch(
        self,
        obj: T,
        patch: Json | Sequence[Json],
        *,
        patch_type: PatchType = "merge",
        subresource: str = "",
    ) -> T:
        """Patch the object that has this one's name and namespace."""
        kind = type(obj)
        answer = await self._transport.call(
            Request(
                "patch",
                kind,
                obj.metadata.name,
                obj.metadata.namespace,
                subresource,
                self._partition,
                body=patch if isinstance(patch, dict) else [*patch],
                patch_type=patch_type,
            )
        )
        return kind.model_validate(answer)

    async def apply(self, obj: T, *, field_manager: str = FIELD_MANAGER, force: bool = False) -> T:
        """Have the fields that were set on this object as they are here, whether it is there or not (server-side apply).

        Raises Conflict, naming the fields, for those that are another manager's; ``force`` takes them over.
        """
        kind = type(obj)
        answer = await self._transport.call(
            Request(
                "patch",
                kind,
                obj.metadata.name,
                obj.metadata.namespace,
                partition=self._partition,
                body=_applied(obj),
                patch_type="apply",
                field_manager=field_manager,
                force=force,
            )
        )
        return kind.model_validate(answer)

    async def delete(
        self,
        kind: type[Object],
        name: str,
        *,
        namespace: str = "",
        propagation: Propagation | None = None,
        uid: str = "",
        grace_seconds: int | None = None,
    ) -> None:
        """Ask for the object's end; it stays until its finalizers are gone, a Pod on a node for its grace too.

        Raises NotFound, Conflict (another uid).
        """
        await self._transport.call(
            Request(
                "delete",
                kind,
                name,
                namespace,
                partition=self._partition,
                propagation=propagation,
                uid=uid,
                grace_seconds=grace_seconds,
            )
        )

    async def _write(self, verb: Literal["create", "update"], obj: T, subresource: str = "") -> T:
        kind = type(obj)
        request = Request(
            verb,
            kind,
            obj.metadata.name,
            obj.metadata.namespace,
            subresource,
            self._partition,
            body=obj.to_wire(),
            model=obj,
        )
        answer = await self._transport.call(request)
        if verb == "update" and _without_metadata(request.body) == _without_metadata(answer):
            # what was sent is what is stored: only the metadata is new
            return obj.model_copy(update={"metadata": ObjectMeta.model_validate(answer["metadata"])})
        return kind.model_validate(answer)


def _without_metadata(body: object) -> Json:
    found: Json = body if isinstance(body, dict) else {}
    return {name: value for name, value in found.items() if name != "metadata"}


def _applied(obj: Object) -> Json:
    """Return what was set on the object, and nothing of what it has by default."""
    body: Json = obj.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    about = obj.definition
    metadata = {name: value for name, value in body.get("metadata", {}).items() if name not in _SERVERS_OWN}
    return {**body, "apiVersion": about.api_version, "kind": about.kind, "metadata": metadata}
