"""The words of storage: where an object lives, what is stored there, what happened to it, what can go wrong."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple

import orjson
from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.openapi.meta import Json

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


class Address(NamedTuple):
    """Where an object lives; ``resource`` is ``tilt.dev/sessions`` or ``pods``, the empty partition is the server's own."""

    partition: str
    resource: str
    namespace: str
    name: str


class Bodies:
    """Remembers the newest decoded bodies, so that memory holds many objects as bytes and few as dictionaries."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: deque[Stored] = deque()

    def hold(self, stored: Stored) -> None:
        self._held.append(stored)
        if len(self._held) > self._limit:
            self._held.popleft().forget()


class Stored:
    """One version of one object: its JSON as bytes, encoded once and shared by all readers, and decoded on demand.

    ``body`` has metadata.resourceVersion filled in; it is shared, and must not be changed.
    """

    __slots__ = ("_bodies", "_body", "address", "data", "revision")

    def __init__(self, address: Address, revision: int, data: bytes, bodies: Bodies, body: Json | None = None) -> None:
        self.address = address
        self.revision = revision
        self.data = data
        self._bodies = bodies
        self._body = body
        if body is not None:
            bodies.hold(self)

    @property
    def body(self) -> Json:
        body = self._body
        if body is None:
            body = self._body = orjson.loads(self.data)
            self._bodies.hold(self)
        return body

    def remade(self, revision: int, body: Json, data: bytes) -> Stored:
        """Return the same object otherwise: as a view shows it, or as a dry run would leave it."""
        return Stored(self.address, revision, data, self._bodies, body)

    def forget(self) -> None:
        """Drop the decoded body; the next reader decodes it again."""
        self._body = None

    def __repr__(self) -> str:
        return f"Stored({'/'.join(self.address)} at {self.revision})"


class Event(Struct, eq=False):
    """What happened to one object; for DELETED, ``stored`` is the last body under the delete's own revision.

    ``before`` is what was there until then. An event is shared by all watchers, and must not be changed.
    """

    type: EventType
    address: Address
    revision: int
    stored: Stored
    before: Stored | None
    _line: bytes = b""

    @property
    def line(self) -> bytes:
        """The event as a line of a watch's answer, put together once."""
        if not self._line:
            self._line = b"".join((b'{"type":"', self.type.encode(), b'","object":', self.stored.data, b"}\n"))
        return self._line


class Remove(Struct, frozen=True):
    """What a decision returns to delete the object in that very step; ``body`` is how it looked at the end."""

    body: Json


if TYPE_CHECKING:
    Decision = Json | Remove | None
    Decide = Callable[[Stored | None], Decision]


class Retention(Struct, frozen=True):
    """How much of the past is kept: events younger than ``age`` seconds, and not more than ``events`` or ``size`` bytes.

    ``step`` is how many events one compaction forgets at most. ``window`` events and ``window_bytes`` of them stay in
    memory, for watches that resume and lists that continue.
    """

    age: float = 3600.0
    events: int = 100_000
    size: int = 256_000_000
    step: int = 512
    window: int = 8192
    window_bytes: int = 16_000_000


class Figures(NamedTuple):
    """How a store is doing: who listens, what waits, what was done since the start."""

    watchers: int
    queued: int
    groups: int
    writes: int


class StorageError(Exception):
    """Storage cannot do what it was asked to."""


class KeyExists(StorageError):
    """There is an object at the address already."""


class KeyNotFound(StorageError):
    """There is no object at the address."""


class Compacted(StorageError):
    """The past that was asked for is forgotten."""


class TooSlow(StorageError):
    """The reader fell too far behind and was cut off."""


class Closed(StorageError):
    """The store is closed, or closing."""


class Damaged(StorageError):
    """The database is not whole: it was set aside, and somebody has to say how to go on."""


class Behind(StorageError):
    """Another server has written to the database since the writes were decided: they have to be decided anew."""


class WriteFailed(StorageError):
    """The database refused the transaction: none of its writes happened."""


class Loaded(Struct, dict=True):
    """What the database holds at the start; ``objects`` by resource and partition: (namespace, name, revision, data)."""

    revision: int
    compacted: int
    past_bytes: int = 0
    objects: dict[tuple[str, str], list[tuple[str, str, int, bytes]]] = field(default_factory=dict)
