"""The two tables, what is and what happened, and the statements over them. Imports SQLAlchemy: only storage may."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.dialects import sqlite

from upright.apiserver.storage.records import Behind, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Engine, Executable
    from sqlalchemy.engine import URL

    from upright.apiserver.storage.records import Address, Event

Row = tuple[int, str, str, str, str, str, int, bytes]
"""revision, type, partition, resource, namespace, name, previous, data."""

schema = MetaData()

objects = Table(
    "objects",
    schema,
    Column("partition", String, primary_key=True),
    Column("resource", String, primary_key=True),
    Column("namespace", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)
"""What is: for every object the event that has its body."""

events = Table(
    "events",
    schema,
    Column("revision", BigInteger().with_variant(sqlite.INTEGER, "sqlite"), primary_key=True, autoincrement=False),
    Column("type", String, nullable=False),
    Column("partition", String, nullable=False),
    Column("resource", String, nullable=False),
    Column("namespace", String, nullable=False),
    Column("name", String, nullable=False),
    Column("previous", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""What happened; ``previous`` is the revision of the event before it of the same object, 0 for the first.

Compaction forgets an event when a later one of the same object is forgotten by watches too; so the last version of
every object, which ``objects`` and the next event's ``previous`` point to, always stays.
"""

facts = Table("facts", schema, Column("name", String, primary_key=True), Column("value", BigInteger, nullable=False))
"""Two numbers: the schema's version, and up to which revision the past is compacted."""

_add_events = insert(events)
_drop_object = delete(objects).where(
    objects.c.partition == bindparam("at_partition"),
    objects.c.resource == bindparam("at_resource"),
    objects.c.namespace == bindparam("at_namespace"),
    objects.c.name == bindparam("at_name"),
)
_set_compacted = (
    update(facts)
    .where(facts.c.name == "compacted", facts.c.value < bindparam("floor"))
    .values(value=bindparam("floor"))
)
_KEY = [objects.c.partition, objects.c.resource, objects.c.namespace, objects.c.name]
CHANNEL = "upright_events"
"""Where PostgreSQL tells the other servers of a commit, with its newest revision."""

_BACKENDS = ("sqlite", "postgresql")


@cache
def _put_object(backend: str) -> Executable:
    """Return the statement that keeps an object's newest revision, in the backend's own words."""
    if backend == "sqlite":
        on_sqlite = sqlite.insert(objects)
        return on_sqlite.on_conflict_do_update(index_elements=_KEY, set_={"revision": on_sqlite.excluded.revision})
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  reason: with all its drivers it takes 24 ms

    on_postgresql = postgresql.insert(objects)
    return on_postgresql.on_conflict_do_update(index_elements=_KEY, set_={"revision": on_postgresql.excluded.revision})


def engine_for(where: str, *, durable: bool) -> Engine:
    """Return the engine for a database URL or the path of an SQLite file."""
    url = _url(where)
    if url.get_backend_name() not in _BACKENDS:
        raise StorageError(f"cannot keep objects in {url.get_backend_name()}: use a file, or postgresql://…")
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        if (path := file_of(engine)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        _tune_sqlite(engine, durable=durable)
    return engine


def file_of(engine: Engine) -> Path | None:
    """Return the path of the database's file; None if it is not in one."""
    where = engine.url.database
    return Path(where) if engine.dialect.name == "sqlite" and where and where != ":memory:" else None


def _url(where: str) -> URL:
    if "://" not in where:
        return make_url("sqlite://").set(database=where)
    url = make_url(where)
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgres", "postgresql"} else url


def _tune_sqlite(engine: Engine, *, durable: bool) -> None:
    def on_connect(connection: Any, _record: object) -> None:  # noqa: ANN401  reason: the driver's connection has no type
        connection.isolation_level = None  # SQLAlchemy's begin is ours, below; the driver must not add another
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        connection.execute("PRAGMA journal_size_limit=16777216")

    def on_begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def newest_revision(connection: Connection) -> int:
    """Return the revision of the last event, 0 if there is none."""
    return connection.execute(select(func.max(events.c.revision))).scalar() or 0


def compacted_revision(connection: Connection) -> int:
    """Return up to which revision the past is forgotten."""
    return connection.execute(select(facts.c.value).where(facts.c.name == "compacted")).scalar() or 0


def past_bytes(connection: Connection, compacted: int) -> int:
    """Return how large the past is that is kept."""
    size = select(func.sum(func.length(events.c.data))).where(events.c.revision > compacted)
    return int(connection.execute(size).scalar() or 0)


def all_objects(connection: Connection) -> Iterable[Any]:  # Any: SQLAlchemy's rows
    """Yield (revision, partition, resource, namespace, name, data) of every object."""
    columns = events.c
    live = columns.revision.in_(select(objects.c.revision))
    wanted = select(
        columns.revision, columns.partition, columns.resource, columns.namespace, columns.name, columns.data
    ).where(live)
    return connection.execute(wanted, execution_options={"yield_per": 1000})


def commit(connection: Connection, batch: Sequence[Event]) -> None:
    """Write what happened and what is now, within the transaction that is open."""
    _require_newest(connection, batch[0].revision - 1)
    connection.execute(_add_events, [_event_row(happened) for happened in batch])
    last = {happened.address: happened for happened in batch}
    kept = [_object_row(now) for now in last.values() if now.type != "DELETED"]
    gone = [_object_key(now.address) for now in last.values() if now.type == "DELETED"]
    if kept:
        connection.execute(_put_object(connection.dialect.name), kept)
    if gone:
        connection.execute(_drop_object, gone)
    _tell_others(connection, batch[-1].revision)


def _require_newest(connection: Connection, revision: int) -> None:
    """Refuse to write over somebody else's events; on a file the unique row number does it, at no cost."""
    if connection.dialect.name == "sqlite":
        return
    connection.execute(text("LOCK TABLE events IN EXCLUSIVE MODE"))
    if newest_revision(connection) > revision:
        raise Behind("another server has written to this database")


def _tell_others(connection: Connection, revision: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, str(revision))))


def _event_row(happened: Event) -> dict[str, Any]:  # Any: a column's value
    partition, resource, namespace, name = happened.address
    return {
        "revision": happened.revision,
        "type": happened.type,
        "partition": partition,
        "resource": resource,
        "namespace": namespace,
        "name": name,
        "previous": happened.before.revision if happened.before else 0,
        "data": happened.stored.data,
    }


def _object_row(now: Event) -> dict[str, Any]:  # Any: a column's value
    partition, resource, namespace, name = now.address
    return {
        "partition": partition,
        "resource": resource,
        "namespace": namespace,
        "name": name,
        "revision": now.revision,
    }


def _object_key(address: Address) -> dict[str, str]:
    partition, resource, namespace, name = address
    return {"at_partition": partition, "at_resource": resource, "at_namespace": namespace, "at_name": name}


def compact(connection: Connection, floor: int, target: int) -> None:
    """Forget what only watches from before ``target`` would need; ``floor`` is the last target."""
    span = (events.c.revision > floor) & (events.c.revision <= target)
    superseded = select(events.c.previous).where(span, events.c.previous > 0).scalar_subquery()
    connection.execute(delete(events).where(events.c.revision.in_(superseded)))
    newest = select(func.max(events.c.revision)).scalar_subquery()  # the last one says where revisions go on
    connection.execute(delete(events).where(span, events.c.type == "DELETED", events.c.revision < newest))
    connection.execute(_set_compacted, {"floor": target})


def events_after(
    connection: Connection, since: int, until: int, address: tuple[str | None, str, str, str], limit: int
) -> list[Row]:
    """Return events after ``since`` and up to ``until``, in order; an empty namespace or name and no partition mean any."""
    partition, resource, namespace, name = address
    columns = events.c
    wanted = select(events).where(columns.revision > since, columns.revision <= until, columns.resource == resource)
    if partition is not None:
        wanted = wanted.where(columns.partition == partition)
    if namespace:
        wanted = wanted.where(columns.namespace == namespace)
    if name:
        wanted = wanted.where(columns.name == name)
    return [_row(found) for found in connection.execute(wanted.order_by(columns.revision).limit(limit))]


def all_events_after(connection: Connection, since: int, limit: int) -> list[Row]:
    """Return whatever happened after ``since``, in order."""
    wanted = select(events).where(events.c.revision > since).order_by(events.c.revision).limit(limit)
    return [_row(found) for found in connection.execute(wanted)]


def events_at(connection: Connection, revisions: Sequence[int]) -> list[Row]:
    """Return the events of these revisions that are still there."""
    return [_row(found) for found in connection.execute(select(events).where(events.c.revision.in_(revisions)))]


def _row(found: Any) -> Row:  # noqa: ANN401  reason: SQLAlchemy's row
    revision, kind, partition, resource, namespace, name, previous, data = found
    return revision, kind, partition, resource, namespace, name, previous, bytes(data)
