"""The tables' version: they are made where there are none, and brought up to date from any older version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.apiserver.storage import tables
from upright.apiserver.storage.records import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from upright.apiserver.storage.connections import Connection

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
    if connection.shared:
        connection.execute("SELECT pg_advisory_xact_lock(?)", (_ONE_AT_A_TIME,))
    there = connection.tables()
    if there & tables.NAMES:
        _migrate(connection)
        return
    if there and not connection.shared:
        raise StorageError(f"the database has tables of another program ({', '.join(sorted(there)[:3])}, …)")
    tables.create(connection)
    tables.set_fact(connection, "schema", newest_version())
    tables.set_fact(connection, "compacted", 0)


def _migrate(connection: Connection) -> None:
    version = tables.fact(connection, "schema")
    if version is None:
        raise StorageError("the database does not say which version of its tables it has: put a backup in its place")
    if version > newest_version():
        raise StorageError(
            f"the database was written by a newer version (schema {version}); this one knows {newest_version()}: "
            "use the newer program, or another database"
        )
    for step in range(version + 1, newest_version() + 1):
        MIGRATIONS[step](connection)
        tables.set_fact(connection, "schema", step)
