"""The tables' version: they are made where there are none, and brought up to date from any older version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, inspect, select, text, update

from upright.apiserver.storage.records import StorageError
from upright.apiserver.storage.tables import facts, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

FIRST_VERSION = 1
MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {}
"""By the version that it leads to: what makes of the tables of the version before it those of this one."""

_ONE_AT_A_TIME = 0x75707267  # an advisory lock of PostgreSQL: two servers may start on one empty database


def newest_version() -> int:
    """Return the version of the tables that this program knows."""
    return max(MIGRATIONS, default=FIRST_VERSION)


def prepare(connection: Connection) -> None:
    """Make what is not there yet, and migrate what is older, in the transaction that is open.

    Raises StorageError for a newer version, and for a database that is somebody else's.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})"))
    there = set(inspect(connection).get_table_names())
    if not there & set(schema.tables):
        if there and connection.dialect.name == "sqlite":
            raise StorageError(f"the database has tables of another program ({', '.join(sorted(there)[:3])}, …)")
        schema.create_all(connection)
        begun = [{"name": "schema", "value": newest_version()}, {"name": "compacted", "value": 0}]
        connection.execute(insert(facts), begun)
        return
    _migrate(connection)


def _migrate(connection: Connection) -> None:
    version = connection.execute(select(facts.c.value).where(facts.c.name == "schema")).scalar_one()
    if version > newest_version():
        raise StorageError(
            f"the database was written by a newer version (schema {version}); this one knows {newest_version()}: "
            "use the newer program, or another database"
        )
    for step in range(version + 1, newest_version() + 1):
        MIGRATIONS[step](connection)
        connection.execute(update(facts).where(facts.c.name == "schema").values(value=step))
