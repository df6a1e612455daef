"""What storage asks of a database: statements in the words that SQLite and PostgreSQL share, within transactions."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from upright.apiserver.storage.records import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

Value = str | int | bytes
Found = tuple[Any, ...]  # Any: a column's value
Purpose = Literal["read", "write"]


class Connection(Protocol):
    """A connection of one thread. Values take the places of ``?`` in a statement."""

    shared: bool
    """Whether other servers may write to the same database."""

    def begin(self, purpose: Purpose) -> None:
        """Begin a transaction; one that reads sees the database as it was at its first statement."""

    def commit(self) -> None:
        """Keep what the transaction did."""

    def rollback(self) -> None:
        """Undo what the transaction did."""

    def execute(self, statement: str, values: Sequence[Value] = ()) -> list[Found]:
        """Run a statement; return its rows."""
        ...

    def execute_many(self, statement: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run a statement once for each row of values."""

    def stream(self, statement: str) -> Iterable[Found]:
        """Run a statement whose rows do not fit into memory at once."""
        ...

    def tables(self) -> set[str]:
        """Return the names of the tables that are there."""
        ...

    def close(self) -> None:
        """Disconnect."""


class Listening(Protocol):
    """Hears of other servers until it is closed."""

    def close(self) -> None:
        """Hear no more. Blocks."""


class Source(Protocol):
    """Where the database is."""

    shared: bool
    path: Path | None
    """The file, if it is in one."""

    def connect(self) -> Connection:
        """Connect, for the thread that calls. Blocks."""
        ...

    def listen(self, news: Callable[[int], None]) -> Listening | None:
        """Have ``news`` called on the loop when another server has written; None where there is no other."""
        ...


@contextmanager
def transaction(connection: Connection, purpose: Purpose) -> Generator[Connection]:
    """Keep what is done in the block if it ends well, and nothing of it otherwise."""
    connection.begin(purpose)
    try:
        yield connection
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


@contextmanager
def reading(source: Source) -> Generator[Connection]:
    """Connect for the block, which sees the database as it is now."""
    connection = source.connect()
    try:
        with transaction(connection, "read"):
            yield connection
    finally:
        connection.close()


def source_of(where: str, *, durable: bool) -> Source:
    """Return the source for a database URL or the path of an SQLite file. Raises StorageError for any other."""
    scheme, separator, rest = where.partition("://")
    if separator and scheme in {"postgres", "postgresql"}:
        from upright.apiserver.storage.postgresql import PostgreSQL  # noqa: PLC0415  reason: needs psycopg

        return PostgreSQL(f"postgresql://{rest}", durable=durable)
    if separator and scheme != "sqlite":
        raise StorageError(f"cannot keep objects in {scheme}: use a file, or postgresql://…")
    from upright.apiserver.storage.sqlite import SQLite  # noqa: PLC0415  reason: only where used

    return SQLite(Path(rest.removeprefix("/") if separator else where), durable=durable)
