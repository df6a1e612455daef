"""The database behind a store: read once at the start, written by one thread, read again only for the distant past."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from functools import partial
from sys import intern
from typing import TYPE_CHECKING, NamedTuple, cast

from upright.apiserver.storage import checking, schema, tables
from upright.apiserver.storage.connections import reading, source_of, transaction
from upright.apiserver.storage.records import Address, Loaded
from upright.apiserver.storage.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from upright.apiserver.storage.connections import Connection, Listening, Source
    from upright.apiserver.storage.records import Event, EventType
    from upright.apiserver.storage.watchers import Scope

REPLAY_EVENTS = 256
PULLED_EVENTS = 512


class Past(NamedTuple):
    """An event of the past; ``before`` is the revision and the bytes of what it changed."""

    type: EventType
    address: Address
    revision: int
    data: bytes
    before: tuple[int, bytes] | None


class Replayed(NamedTuple):
    """Events of the past, how far they reach, and up to where the past was forgotten when they had been read."""

    past: list[Past]
    reached: int
    compacted: int


class News(NamedTuple):
    """What other servers wrote; ``more``: that is not all. ``compacted`` is up to where they have forgotten.

    Where they have forgotten what this server had not heard of yet, there is ``whole`` instead: all that is.
    """

    past: list[Past]
    compacted: int
    more: bool
    whole: Loaded | None = None


class Database:
    """One source, one writing thread; where the database is ``shared`` with other servers, one that listens to them."""

    def __init__(self, source: Source, lock: checking.Lock | None = None) -> None:
        self.shared = source.shared
        self._source = source
        self._lock = lock
        self._writer: Writer | None = None
        self._listener: Listening | None = None

    @classmethod
    def open(cls, where: str, *, durable: bool) -> Database:
        """Connect, check what is there, and make the tables that are not. Blocks.

        Raises Damaged, and StorageError for a database of somebody else's, of a newer version, or in use.
        """
        source = source_of(where, durable=durable)
        lock: checking.Lock | None = None
        try:
            if source.path is not None:
                source.path.parent.mkdir(parents=True, exist_ok=True)
                lock = checking.alone(source.path)
                checking.require_whole(source.path)
            with closing(source.connect()) as connection, transaction(connection, "write"):
                schema.prepare(connection)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return cls(source, lock)

    def load(self) -> Loaded:
        """Read everything that is. Blocks."""
        return _load(self._source)

    def start_writing(self, news: Callable[[int], None]) -> None:
        """Start the thread; its answers come on the loop that runs now, and ``news`` is called there."""
        self._writer = Writer(self._source)
        self._listener = self._source.listen(news)

    @property
    def writing(self) -> bool:
        """Whether the thread runs."""
        return self._writer is not None

    def commit(self, batch: Sequence[Event], done: Callable[[None], None], failed: Callable[[Exception], None]) -> None:
        """Have the events written in one transaction, and say on the loop how it went."""
        self._thread.submit(partial(_commit, batch), done, failed)

    def compact(
        self, floor: int, target: int, done: Callable[[None], None], failed: Callable[[Exception], None]
    ) -> None:
        """Have the past between two revisions forgotten, and say on the loop how it went."""
        self._thread.submit(partial(_compact, floor, target), done, failed)

    @property
    def _thread(self) -> Writer:
        assert self._writer  # noqa: S101  reason: start_writing is part of opening
        return self._writer

    def pull(self, since: int, done: Callable[[News], None], failed: Callable[[Exception], None]) -> None:
        """Have read what others wrote after ``since``, and tell it on the loop."""
        self._thread.submit(partial(_pull, self._source, since), done, failed)

    def replay(self, scope: Scope, since: int, until: int) -> Replayed:
        """Return the next events of the scope after ``since``, as far as ``until`` and a limit. Blocks."""
        address = scope.partition, scope.resource, scope.namespace, scope.name
        with reading(self._source) as connection:
            rows = tables.events_after(connection, since, until, address, REPLAY_EVENTS)
            known = {row[0]: row[7] for row in rows}
            wanted = [row[6] for row in rows if row[6] and row[6] not in known]
            known.update((row[0], row[7]) for row in (tables.events_at(connection, wanted) if wanted else ()))
            compacted = tables.compacted_revision(connection)  # last: it must not be older than the rows
        past = [_past(row, known) for row in rows]
        return Replayed(past, rows[-1][0] if len(rows) == REPLAY_EVENTS else until, compacted)

    def close(self) -> None:
        """Finish what was handed in, and disconnect. Blocks."""
        if self._listener:
            self._listener.close()
        if self._writer:
            self._writer.close()
        if self._lock is not None:
            self._lock.release()


def _commit(batch: Sequence[Event], connection: Connection) -> None:
    tables.commit(connection, batch)


def _compact(floor: int, target: int, connection: Connection) -> None:
    tables.compact(connection, floor, target)


def _load(source: Source) -> Loaded:
    objects: dict[tuple[str, str], list[tuple[str, str, int, bytes]]] = defaultdict(list)
    with reading(source) as connection:
        newest = tables.newest_revision(connection)
        compacted = tables.compacted_revision(connection)
        past = tables.past_bytes(connection, compacted)
        for revision, partition, resource, namespace, name, data in tables.all_objects(connection):
            objects[intern(resource), intern(partition)].append((intern(namespace), name, revision, data))
    return Loaded(max(newest, compacted), compacted, past, objects)


def _pull(source: Source, since: int, connection: Connection) -> News:
    rows = tables.all_events_after(connection, since, PULLED_EVENTS)
    compacted = tables.compacted_revision(connection)  # last: it must not be older than the rows
    if compacted > since:
        whole = _load(source)
        return News([], whole.compacted, more=False, whole=whole)
    return News([_past(row, {}) for row in rows], compacted, more=len(rows) == PULLED_EVENTS)


def _past(row: tables.Row, known: dict[int, bytes]) -> Past:
    revision, kind, partition, resource, namespace, name, previous, data = row
    before = known.get(previous)
    return Past(
        cast("EventType", kind),  # reason: only these three are ever written
        Address(partition, resource, namespace, name),
        revision,
        data,
        (previous, before) if before is not None else None,
    )
