"""An SQLite file."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from upright.apiserver.storage.connections import Found, Purpose, Value

BUSY_SECONDS = 5.0
MAPPED = f"PRAGMA mmap_size={1 << 40}"
"""Have a connection that reads look at the file where the system has it in memory, and copy no page: half the time."""

_JOURNAL_BYTES = 16 * 1024 * 1024


class SQLite:
    """A file that this process has alone; where it is ``durable``, what is committed outlives a loss of power."""

    shared = False

    def __init__(self, path: Path, *, durable: bool) -> None:
        self.path: Path | None = path
        self._file = path
        self._durable = durable

    def connect(self) -> SQLiteConnection:
        """Connect, and make the file where it is not there."""
        return SQLiteConnection(str(self._file), durable=self._durable)

    def listen(self, news: Callable[[int], None]) -> None:
        """Nobody else writes to the file."""


class SQLiteConnection:
    """A connection of one thread."""

    shared = False

    def __init__(self, file: str, *, durable: bool) -> None:
        self._driver = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
        for setting in (
            "journal_mode=WAL",
            f"synchronous={'FULL' if durable else 'OFF'}",
            f"journal_size_limit={_JOURNAL_BYTES}",
        ):
            self._driver.execute(f"PRAGMA {setting}").close()

    def begin(self, purpose: Purpose) -> None:
        if purpose == "read":
            self._driver.execute(MAPPED).close()
        self._driver.execute("BEGIN IMMEDIATE" if purpose == "write" else "BEGIN")

    def commit(self) -> None:
        self._driver.execute("COMMIT")

    def rollback(self) -> None:
        if self._driver.in_transaction:  # a full disk has ended it already
            self._driver.execute("ROLLBACK")

    def execute(self, statement: str, values: Sequence[Value] = ()) -> list[Found]:
        return self._driver.execute(statement, values).fetchall()

    def execute_many(self, statement: str, rows: Sequence[Sequence[Value]]) -> None:
        self._driver.executemany(statement, rows)

    def stream(self, statement: str) -> Iterable[Found]:
        return self._driver.execute(statement)

    def tables(self) -> set[str]:
        return {name for (name,) in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def close(self) -> None:
        self._driver.close()
