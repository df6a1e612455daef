"""What a request to the registry is made of, and what comes back; HTTP handlers and the in-process road fill these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from upright.apiserver.storage.records import Address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.apiserver.storage.records import Stored
    from upright.openapi.meta import Json, Object

FieldValidation = Literal["Strict", "Warn", "Ignore"]
Match = Literal["", "NotOlderThan", "Exact"]
Propagation = Literal["", "Background", "Foreground", "Orphan"]


class Target(Struct, frozen=True):
    """Which object or collection is meant. ``partition`` None is every Session's (for lists and watches only)."""

    kind: type[Object]
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    partition: str | None = ""

    @property
    def address(self) -> Address:
        about = self.kind.definition
        return Address(self.partition or "", about.view_of or about.resource, self.namespace, self.name)


class WriteOptions(Struct, frozen=True):
    """How a create, an update or a patch is done.

    ``model`` is the body as a valid object, from callers in this process: it is not validated again.
    ``duplicates`` are the fields that stood twice in the body as it was sent.
    """

    dry_run: bool = False
    field_validation: FieldValidation = "Ignore"
    field_manager: str = ""
    force: bool = False
    model: Object | None = None
    duplicates: tuple[str, ...] = ()


class DeleteOptions(Struct, frozen=True):
    """Preconditions and manner of a delete; ``grace_period_seconds`` None is the object's own."""

    uid: str = ""
    resource_version: str = ""
    propagation: Propagation = ""
    grace_period_seconds: int | None = None
    dry_run: bool = False


class Patch(Struct, frozen=True):
    """A patch and its kind; ``body`` is a list of operations for a JSON patch, else an object."""

    kind: Literal["merge", "json", "strategic", "apply"]
    body: Json | Sequence[Json]


class ListOptions(Struct, frozen=True):
    """Which part of a collection, and how old it may be."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_: str = ""
    resource_version: str = ""
    resource_version_match: Match = ""


class WatchOptions(Struct, frozen=True):
    """Which changes, from when on, and for how many seconds (None: until closed)."""

    label_selector: str = ""
    field_selector: str = ""
    resource_version: str = ""
    resource_version_match: Match = ""
    bookmarks: bool = False
    initial_events: bool | None = None
    timeout: float | None = None


class Written(Struct, frozen=True):
    """The object as it is now, with what its writer should know."""

    stored: Stored
    warnings: tuple[str, ...] = ()
    created: bool = False


class Deleted(Struct, frozen=True):
    """The object at its end, or, if it is not ``gone``, waiting for its finalizers or its grace."""

    stored: Stored
    gone: bool


class Listing(Struct, frozen=True):
    """A page of a consistent snapshot; ``continue_`` is empty on the last, ``remaining`` known without selectors only."""

    items: Sequence[Stored]
    revision: int
    continue_: str = ""
    remaining: int | None = None
