"""The one road to a server: a request goes in, JSON comes out; over HTTP or in process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from upright.openapi.meta import Json, Object

Verb = Literal["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
PatchType = Literal["merge", "json", "strategic", "apply"]
Propagation = Literal["Background", "Foreground", "Orphan"]


@dataclass(frozen=True, slots=True)
class Request:
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


@dataclass(frozen=True, slots=True)
class WatchEvent:
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
