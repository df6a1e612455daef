"""The one road to a server: a request goes in, JSON comes out; over HTTP or in process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from upright.openapi.meta import Json, Object

Verb = Literal["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
PatchType = Literal["merge", "json", "strategic", "apply"]
Propagation = Literal["Background", "Foreground", "Orphan"]


class Request(NamedTuple):
    """One call.

    ``body`` is the object, the patch (a list for a JSON patch), or None; ``model`` is the object where
    the caller has it typed: a transport in process need not validate it again.
    """

    verb: Verb
    kind: type[Object]
    name: str = ""
    namespace: str = ""
    subresource: str = ""
    partition: str = ""
    body: Json | list[Json] | None = None
    model: Object | None = None
    patch_type: PatchType = "merge"
    label_selector: str = ""
    field_selector: str = ""
    resource_version: str = ""
    limit: int = 0
    continue_: str = ""
    timeout_seconds: float | None = None
    propagation: Propagation | None = None
    uid: str = ""
    grace_seconds: int | None = None
    field_manager: str = ""
    force: bool = False
    dry_run: bool = False
    query: tuple[tuple[str, str], ...] = ()
    """Further parameters, for subresources; one may stand several times."""

    def with_query(self, *query: tuple[str, str]) -> Request:
        """Return the request with these parameters as well."""
        return self._replace(query=(*self.query, *query))


class WatchEvent(NamedTuple):
    """ADDED, MODIFIED, DELETED with the object, or BOOKMARK with nothing but its resourceVersion."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Json


class Transport(Protocol):
    """Carries requests to a server. Errors are those of ``upright.openapi.errors``."""

    async def call(self, request: Request) -> Json:
        """Return the answer's JSON: the object, the list, or a Status."""
        ...

    def watch(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        """Open a watch; the iterator ends when the server closes it, and raises Gone when the past is forgotten."""
        ...


class Conversation(Protocol):
    """Numbered channels both ways, as exec of a pod has them."""

    @property
    def can_finish(self) -> bool:
        """Whether the server can be told that nothing more comes on a channel."""
        ...

    def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]: ...

    async def send(self, channel: int, data: bytes) -> None: ...

    async def finish(self, channel: int) -> None:
        """Say that nothing more comes on this channel."""
        ...


@runtime_checkable
class FarTransport(Transport, Protocol):
    """A Transport to a server in another process, which has subresources that go on for a while."""

    def lines(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a text; its lines come without their line feeds."""
        ...

    def channels(self, request: Request) -> AbstractAsyncContextManager[Conversation]:
        """Open a conversation in channels."""
        ...
