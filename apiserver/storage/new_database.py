"""A database file that is not there yet: there is nothing to read, so it is made while the store is used already."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from upright.apiserver.storage.records import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from upright.apiserver.storage.database import Database, News, Replayed
    from upright.apiserver.storage.records import Event
    from upright.apiserver.storage.watchers import Scope

    Work = Callable[[Database], None]
    Failed = Callable[[Exception], None]

SET_ASIDE = ".damaged-"


def is_new(where: str) -> bool:
    """Return whether this is the path of a file that does not exist (a URL never is).

    Raises Damaged if one was set aside there: going on without it is somebody's decision.
    """
    if "://" in where or Path(where).exists():
        return False
    path = Path(where)
    for old in sorted(path.parent.glob(f"{path.name}{SET_ASIDE}*")):
        raise Damaged(
            f"the database {path} was damaged and set aside as {old}: put a backup in its place "
            f"(upright apiserver backup makes them), or move {old.name} away to begin with an empty one"
        )
    return True


class NewDatabase:
    """Does what Database does; what is handed in before the file is made waits for it.

    Making it waits for the disk: a thread does that, and hands the work on, in order. If the file cannot be made,
    everything handed in fails with the reason.
    """

    shared = False

    def __init__(self, where: str, *, durable: bool) -> None:
        self._where = where
        self._durable = durable
        self._loop = asyncio.get_running_loop()
        self._database: Database | None = None
        self._error: Exception | None = None
        self._waiting: list[tuple[Work, Failed]] = []
        self._thread = Thread(target=self._make, name="storage-maker", daemon=True)

    def start_writing(self, news: Callable[[int], None]) -> None:
        """Begin to make the file; there is nobody to have ``news`` of."""
        self._news = news
        self._thread.start()

    def commit(self, batch: Sequence[Event], done: Callable[[None], None], failed: Failed) -> None:
        """Have the events written in one transaction, and say on the loop how it went."""
        self._hand_on(lambda database: database.commit(batch, done, failed), failed)

    def compact(self, floor: int, target: int, done: Callable[[None], None], failed: Failed) -> None:
        """Have the past between two revisions forgotten, and say on the loop how it went."""
        self._hand_on(lambda database: database.compact(floor, target, done, failed), failed)

    def pull(self, since: int, done: Callable[[News], None], failed: Failed) -> None:
        """Have read what others wrote: see Database."""
        self._hand_on(lambda database: database.pull(since, done, failed), failed)

    def replay(self, scope: Scope, since: int, until: int) -> Replayed:
        """Return the next events of the scope after ``since``; see Database. Blocks."""
        self._thread.join()
        return self._made().replay(scope, since, until)

    def close(self) -> None:
        """Finish what was handed in, and disconnect. Blocks."""
        self._thread.join()
        if self._database is not None:
            self._database.close()

    def _made(self) -> Database:
        if self._database is None:
            raise self._error or RuntimeError("the database was not opened")
        return self._database

    def _make(self) -> None:
        from upright.apiserver.storage.database import Database  # noqa: PLC0415  reason: that is what the thread is for

        found: Database | Exception
        try:
            found = Database.open(self._where, durable=self._durable)
        except Exception as error:  # noqa: BLE001  reason: whatever it was, the writers that wait are told
            found = error
        if isinstance(found, Exception):
            self._error = found
        else:
            self._database = found
        with suppress(RuntimeError):  # the loop is closed: there is nobody left to tell
            self._loop.call_soon_threadsafe(self._ready)

    def _ready(self) -> None:
        if self._database is not None:
            self._database.start_writing(self._news)
        waiting, self._waiting = self._waiting, []
        for work, failed in waiting:
            self._hand_on(work, failed)

    def _hand_on(self, work: Work, failed: Failed) -> None:
        if self._error is not None:
            failed(self._error)
        elif self._database is None or not self._database.writing:
            self._waiting.append((work, failed))
        else:
            work(self._database)
