"""A PostgreSQL database, which several servers may share. Imports psycopg: only where it is used."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from upright.apiserver.storage.records import StorageError

try:
    import psycopg
except ImportError as error:
    missing = "PostgreSQL needs psycopg: pip install 'upright[postgresql]'"
    raise StorageError(missing) from error

from upright.apiserver.storage.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from upright.apiserver.storage.connections import Found, Purpose, Value

_STREAMED_ROWS = 1000
_BEGIN = {"read": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "write": "BEGIN"}


class PostgreSQL:
    """A database by its URL. Where it is not ``durable``, a commit does not wait for the disk."""

    shared = True

    def __init__(self, url: str, *, durable: bool) -> None:
        self.path: Path | None = None
        self.url = url
        self._durable = durable

    def connect(self) -> PostgreSQLConnection:
        """Connect. Raises StorageError."""
        try:
            driver = psycopg.connect(self.url, autocommit=True)  # transactions are begun and ended in so many words
            if not self._durable:
                driver.execute("SET synchronous_commit = off")
        except psycopg.Error as error:
            message = f"cannot use the database: {str(error).strip()}"
            raise StorageError(message) from error
        return PostgreSQLConnection(driver)

    def listen(self, news: Callable[[int], None]) -> Listener:
        """Have ``news`` called on the loop when another server has written."""
        return Listener(self.url, news)


class PostgreSQLConnection:
    """A connection of one thread."""

    shared = True

    def __init__(self, driver: psycopg.Connection) -> None:
        self._driver = driver

    def begin(self, purpose: Purpose) -> None:
        self._driver.execute(_sql(_BEGIN[purpose]))

    def commit(self) -> None:
        self._driver.execute("COMMIT")

    def rollback(self) -> None:
        if not self._driver.closed:
            self._driver.execute("ROLLBACK")

    def execute(self, statement: str, values: Sequence[Value] = ()) -> list[Found]:
        cursor = self._driver.execute(_sql(statement), values or None)
        return cursor.fetchall() if cursor.description is not None else []

    def execute_many(self, statement: str, rows: Sequence[Sequence[Value]]) -> None:
        with self._driver.cursor() as cursor:
            cursor.executemany(_sql(statement), rows)

    def stream(self, statement: str) -> Iterable[Found]:
        with self._driver.cursor("streamed") as cursor:
            cursor.itersize = _STREAMED_ROWS
            cursor.execute(_sql(statement))
            yield from cursor

    def tables(self) -> set[str]:
        found = self.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()")
        return {name for (name,) in found}

    def close(self) -> None:
        self._driver.close()


@cache
def _sql(statement: str) -> bytes:
    """Return the statement with the driver's own mark where a value goes."""
    return statement.replace("?", "%s").encode()
