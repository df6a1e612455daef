"""The database behind a store: read once at the start, written by one thread, read again only for the distant past."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from sys import intern
from typing import TYPE_CHECKING, NamedTuple, cast

from upright.apiserver.storage import tables
from upright.apiserver.storage.records import Address, Loaded
from upright.apiserver.storage.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

    from upright.apiserver.storage.records import Event, EventType
    from upright.apiserver.storage.watchers import Scope

REPLAY_EVENTS = 256


class Past(NamedTuple):
    """An event of the past; ``before`` is the revision and the bytes of what it changed."""

    type: EventType
    address: Address
    revision: int
    data: bytes
    before: tuple[int, bytes] | None


class Database:
    """One engine, one writing thread."""

    def __init__(self, engine: Engine, compacted: int) -> None:
        self._engine = engine
        self._compacted = compacted
        self._writer: Writer | None = None

    @classmethod
    def open(cls, where: str, *, durable: bool) -> Database:
        """Connect, and make the tables that are not there. Blocks."""
        engine = tables.engine_for(where, durable=durable)
        try:
            with engine.begin() as connection:
                compacted = tables.prepare(connection)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, compacted)

    def load(self) -> Loaded:
        """Read everything that is. Blocks."""
        objects: dict[tuple[str, str], list[tuple[str, str, int, bytes]]] = defaultdict(list)
        with self._reading() as connection:
            newest = tables.newest_revision(connection)
            for revision, partition, resource, namespace, name, data in tables.all_objects(connection):
                key = intern(resource), intern(partition)
                objects[key].append((intern(namespace), name, revision, bytes(data)))
        return Loaded(max(newest, self._compacted), self._compacted, objects)

    def _reading(self) -> Connection:
        return self._engine.connect().execution_options(reading=True)

    def start_writing(self) -> None:
        """Start the thread; its answers come on the loop that runs now."""
        self._writer = Writer(self._engine)

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

    def replay(self, scope: Scope, since: int, until: int) -> tuple[list[Past], int]:
        """Return the next events of the scope after ``since``, and how far they reach (``until`` if that is all). Blocks."""
        address = scope.partition, scope.resource, scope.namespace, scope.name
        with self._reading() as connection:
            rows = tables.events_after(connection, since, until, address, REPLAY_EVENTS)
            known = {row[0]: row[7] for row in rows}
            wanted = [row[6] for row in rows if row[6] and row[6] not in known]
            known.update((row[0], row[7]) for row in (tables.events_at(connection, wanted) if wanted else ()))
        past = [_past(row, known) for row in rows]
        return past, rows[-1][0] if len(rows) == REPLAY_EVENTS else until

    def close(self) -> None:
        """Finish what was handed in, and disconnect. Blocks."""
        if self._writer:
            self._writer.close()
        self._engine.dispose()


def _commit(batch: Sequence[Event], connection: Connection) -> None:
    tables.commit(connection, batch)


def _compact(floor: int, target: int, connection: Connection) -> None:
    tables.compact(connection, floor, target)


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
