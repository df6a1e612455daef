"""The one thread that writes: it takes a piece of work, runs it in a transaction, and says on the loop how it went."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    work: Callable[[Connection], T]
    done: Callable[[T], None]
    failed: Callable[[Exception], None]


class Writer:
    """A thread with the one connection that writes. Work is done in the order it was handed in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job[object] | None] = SimpleQueue()
        # A daemon: a loop that died without closing the store must not keep the process.
        self._thread = Thread(target=self._run, name="storage-writer", daemon=True)
        self._thread.start()

    def submit(
        self, work: Callable[[Connection], T], done: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        """Run ``work`` in one transaction on the thread; then call ``done`` or ``failed`` on the loop."""
        self._jobs.put(_Job(work, done, failed))  # type: ignore[arg-type]  # reason: done takes what this work returns

    def close(self) -> None:
        """Finish what was handed in, and end the thread. Blocks: call it off the loop."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        with self._engine.connect() as connection:
            while (job := self._jobs.get()) is not None:
                with suppress(RuntimeError):  # the loop is closed: there is nobody left to tell
                    self._do(connection, job)

    def _do(self, connection: Connection, job: _Job[object]) -> None:
        try:
            with connection.begin():
                result = job.work(connection)
        except Exception as error:  # noqa: BLE001  reason: whatever it was, the writers that wait are told
            self._loop.call_soon_threadsafe(job.failed, error)
        else:
            self._loop.call_soon_threadsafe(job.done, result)
