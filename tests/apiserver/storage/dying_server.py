"""A real server that kills itself (SIGKILL) in the middle of a step of writing: ``dying_server.py STEP COUNT ARGUMENTS…``.

The server's own code knows nothing of this: the steps are wrapped from outside.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING

from upright.apiserver.__main__ import main
from upright.apiserver.storage import commits, database, records, store, tables
from upright.apiserver.storage.sqlite import SQLiteConnection
from upright.apiserver.storage.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.apiserver.storage.connections import Source

STEPS = (
    "decided",
    "handed in",
    "transaction begun",
    "events written",
    "objects written",
    "before commit",
    "after commit",
    "before the readers see it",
    "before the watchers hear it",
    "compaction begun",
    "compaction forgot",
    "compaction before commit",
)
_WRAPPED = (
    (commits.Commits, "_happening", "decided"),
    (database.Database, "commit", "handed in"),
    (tables, "commit", "transaction begun"),
    (tables, "compact", "compaction begun"),
    (commits.Commits, "_committed", "before the readers see it"),
    (commits.Commits, "_show", "before the watchers hear it"),
)
_STATEMENTS = {
    "INSERT INTO events": "events written",
    "INSERT INTO objects": "objects written",
    "DELETE FROM events": "compaction forgot",
}


class Countdown:
    """Ends the process when the step is reached for the n-th time."""

    def __init__(self, step: str, count: int) -> None:
        self.step, self.left = step, count
        self.last = ""

    def reach(self, step: str) -> None:
        self.last = step
        if step == self.step:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def executed(self, statement: str) -> None:
        for words, step in _STATEMENTS.items():
            if statement.startswith(words):
                self.reach(step)

    def committing(self) -> None:
        self.reach("compaction before commit" if self.last.startswith("compaction") else "before commit")


def before(owner: object, name: str, reach: Callable[[], None]) -> None:
    """Have ``reach`` called before the owner's function of this name."""
    call = getattr(owner, name)

    def wrapped(*given: object, **named: object) -> object:
        reach()
        return call(*given, **named)

    setattr(owner, name, wrapped)


class Answering:
    """Stands for the loop while the writer's thread tells it that a transaction is committed."""

    def __init__(self, writer: Writer, reach: Callable[[], None]) -> None:
        self._loop, self._reach = writer._loop, reach

    def call_soon_threadsafe(self, *given: object) -> None:
        self._reach()
        self._loop.call_soon_threadsafe(*given)  # type: ignore[arg-type]  # reason: it hands on what it was given


def _count_statements(name: str, countdown: Countdown) -> None:
    """Have every statement counted after it was executed."""
    call = getattr(SQLiteConnection, name)

    def wrapped(self: SQLiteConnection, statement: str, *values: object) -> object:
        result = call(self, statement, *values)
        countdown.executed(statement)
        return result

    setattr(SQLiteConnection, name, wrapped)


def arm(countdown: Countdown) -> None:
    """Have every step counted, and compaction run all the time."""
    for owner, name, step in _WRAPPED:
        before(owner, name, partial(countdown.reach, step))
    for name in ("execute", "execute_many"):
        _count_statements(name, countdown)
    before(SQLiteConnection, "commit", countdown.committing)
    begin = Writer.__init__

    def begun(self: Writer, source: Source) -> None:
        begin(self, source)
        self._loop = Answering(self, partial(countdown.reach, "after commit"))  # type: ignore[assignment]  # reason: all that it calls

    Writer.__init__ = begun  # type: ignore[method-assign]  # reason: that is what this program is for
    setattr(store, "Retention", partial(records.Retention, events=30, step=7))  # noqa: B010  reason: a smaller default


if __name__ == "__main__":
    arm(Countdown(sys.argv[1], int(sys.argv[2])))
    sys.exit(main(sys.argv[3:]))
