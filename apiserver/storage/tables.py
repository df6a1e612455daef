"""The two tables, what is and what happened, and the statements over them, in words that SQLite and PostgreSQL share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from upright.apiserver.storage.records import Behind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.apiserver.storage.connections import Connection, Found, Value
    from upright.apiserver.storage.records import Event

Row = tuple[int, str, str, str, str, str, int, bytes]
"""revision, type, partition, resource, namespace, name, previous, data."""

NAMES = frozenset({"objects", "events", "facts"})
_TABLES = (
    # What is: for every object the event that has its body.
    """CREATE TABLE objects (
        "partition" VARCHAR NOT NULL, resource VARCHAR NOT NULL, namespace VARCHAR NOT NULL, name VARCHAR NOT NULL,
        revision BIGINT NOT NULL,
        PRIMARY KEY ("partition", resource, namespace, name)
    )""",
    # What happened; previous is the revision of the event before it of the same object, 0 for the first.
    # Compaction forgets an event when a later one of the same object is forgotten by watches too; so the last version
    # of every object, which objects and the next event's previous point to, always stays.
    """CREATE TABLE events (
        revision {number} NOT NULL PRIMARY KEY, type VARCHAR NOT NULL,
        "partition" VARCHAR NOT NULL, resource VARCHAR NOT NULL, namespace VARCHAR NOT NULL, name VARCHAR NOT NULL,
        previous BIGINT NOT NULL, data {bytes} NOT NULL
    )""",
    # Two numbers: the schema's version, and up to which revision the past is compacted.
    "CREATE TABLE facts (name VARCHAR NOT NULL PRIMARY KEY, value BIGINT NOT NULL)",
)
_EVENT = 'revision, type, "partition", resource, namespace, name, previous, data'
_ADD_EVENT = f"INSERT INTO events ({_EVENT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  reason: constants only
_PUT_OBJECT = (
    'INSERT INTO objects ("partition", resource, namespace, name, revision) VALUES (?, ?, ?, ?, ?) '
    'ON CONFLICT ("partition", resource, namespace, name) DO UPDATE SET revision = excluded.revision'
)
_DROP_OBJECT = 'DELETE FROM objects WHERE "partition" = ? AND resource = ? AND namespace = ? AND name = ?'
_ALL_OBJECTS = (
    'SELECT revision, "partition", resource, namespace, name, data FROM events '
    "WHERE revision IN (SELECT revision FROM objects)"
)
_FORGET_SUPERSEDED = (
    "DELETE FROM events WHERE revision IN "
    "(SELECT previous FROM events WHERE revision > ? AND revision <= ? AND previous > 0)"
)
_FORGET_DELETED = (  # the last event says where revisions go on
    "DELETE FROM events WHERE revision > ? AND revision <= ? AND type = 'DELETED' "
    "AND revision < (SELECT max(revision) FROM events)"
)
_SELECT = f"SELECT {_EVENT} FROM events"  # noqa: S608  reason: constants only
_ROWS_AT_ONCE = 32
CHANNEL = "upright_events"
"""Where PostgreSQL tells the other servers of a commit, with its newest revision."""


def create(connection: Connection) -> None:
    """Make the tables."""
    number, octets = ("BIGINT", "BYTEA") if connection.shared else ("INTEGER", "BLOB")
    for statement in _TABLES:
        connection.execute(statement.format(number=number, bytes=octets))


def fact(connection: Connection, name: str) -> int | None:
    """Return a number that is kept beside the objects."""
    found = connection.execute("SELECT value FROM facts WHERE name = ?", (name,))
    return int(found[0][0]) if found else None


def set_fact(connection: Connection, name: str, value: int) -> None:
    """Keep a number beside the objects."""
    put = "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    connection.execute(put, (name, value))


def newest_revision(connection: Connection) -> int:
    """Return the revision of the last event, 0 if there is none."""
    ((found,),) = connection.execute("SELECT max(revision) FROM events")
    return found or 0


def compacted_revision(connection: Connection) -> int:
    """Return up to which revision the past is forgotten."""
    return fact(connection, "compacted") or 0


def past_bytes(connection: Connection, compacted: int) -> int:
    """Return how large the past is that is kept."""
    ((found,),) = connection.execute("SELECT sum(length(data)) FROM events WHERE revision > ?", (compacted,))
    return int(found or 0)


def all_objects(connection: Connection) -> Iterable[Found]:
    """Yield (revision, partition, resource, namespace, name, data) of every object."""
    return connection.stream(_ALL_OBJECTS)


def commit(connection: Connection, batch: Sequence[Event]) -> None:
    """Write what happened and what is now, within the transaction that is open."""
    if connection.shared:
        _require_newest(connection, batch[0].revision - 1)
    _insert(connection, _ADD_EVENT, [_event_row(happened) for happened in batch])
    last = {happened.address: happened for happened in batch}
    kept = [(*now.address, now.revision) for now in last.values() if now.type != "DELETED"]
    gone = [now.address for now in last.values() if now.type == "DELETED"]
    if kept:
        _insert(connection, _PUT_OBJECT, kept)
    if gone:
        connection.execute_many(_DROP_OBJECT, gone)
    if connection.shared:
        connection.execute("SELECT pg_notify(?, ?)", (CHANNEL, str(batch[-1].revision)))


def _insert(connection: Connection, statement: str, rows: Sequence[Sequence[Value]]) -> None:
    """Insert many rows by few statements: each one gives the interpreter away, and has to wait for it."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        connection.execute(_of_many(statement, len(some)), [value for row in some for value in row])


@cache
def _of_many(statement: str, rows: int) -> str:
    """Return an INSERT of one row as one of so many."""
    before, _, after = statement.partition("VALUES ")
    row = after[: after.index(")") + 1]
    return f"{before}VALUES {', '.join([row] * rows)}{after[len(row) :]}"


def _require_newest(connection: Connection, revision: int) -> None:
    """Refuse to write over somebody else's events; on a file the unique revision does it, at no cost."""
    connection.execute("LOCK TABLE events IN EXCLUSIVE MODE")
    if newest_revision(connection) > revision:
        raise Behind("another server has written to this database")


def _event_row(happened: Event) -> tuple[Value, ...]:
    previous = happened.before.revision if happened.before else 0
    return (happened.revision, happened.type, *happened.address, previous, happened.stored.data)


def compact(connection: Connection, floor: int, target: int) -> None:
    """Forget what only watches from before ``target`` would need; ``floor`` is the last target."""
    connection.execute(_FORGET_SUPERSEDED, (floor, target))
    connection.execute(_FORGET_DELETED, (floor, target))
    connection.execute("UPDATE facts SET value = ? WHERE name = 'compacted' AND value < ?", (target, target))


def events_after(
    connection: Connection, since: int, until: int, address: tuple[str | None, str, str, str], limit: int
) -> list[Row]:
    """Return events after ``since`` and up to ``until``, in order; an empty namespace or name and no partition mean any."""
    partition, resource, namespace, name = address
    conditions = ["revision > ?", "revision <= ?", "resource = ?"]
    values: list[Value] = [since, until, resource]
    for condition, value in (
        ('"partition" = ?', partition),
        ("namespace = ?", namespace or None),
        ("name = ?", name or None),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    statement = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY revision LIMIT ?"
    return [_row(found) for found in connection.execute(statement, (*values, limit))]


def all_events_after(connection: Connection, since: int, limit: int) -> list[Row]:
    """Return whatever happened after ``since``, in order."""
    statement = f"{_SELECT} WHERE revision > ? ORDER BY revision LIMIT ?"
    return [_row(found) for found in connection.execute(statement, (since, limit))]


def events_at(connection: Connection, revisions: Sequence[int]) -> list[Row]:
    """Return the events of these revisions that are still there."""
    statement = f"{_SELECT} WHERE revision IN ({', '.join('?' * len(revisions))})"
    return [_row(found) for found in connection.execute(statement, revisions)]


def _row(found: Found) -> Row:
    revision, kind, partition, resource, namespace, name, previous, data = found
    return revision, kind, partition, resource, namespace, name, previous, data
