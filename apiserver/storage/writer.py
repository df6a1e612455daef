"""The one thread that writes: it takes a piece of work, runs it in a transaction, and says on the loop how it went."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from upright.apiserver.storage.connections import transaction
from upright.apiserver.storage.records import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.apiserver.storage.connections import Connection, Source

T = TypeVar("T")


class _Job(Struct, Generic[T], frozen=True):
    work: Callable[[Connection], T]
    done: Callable[[T], None]
    failed: Callable[[Exception], None]


class Writer:
    """A thread with the one connection that writes. Work is done in the order it was handed in."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._connection: Connection | None = None
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
        while (job := self._jobs.get()) is not None:
            with suppress(RuntimeError):  # the loop is closed: there is nobody left to tell
                self._do(job)
        self._disconnect()

    def _do(self, job: _Job[object]) -> None:
        try:
            with transaction(self._connected(), "write") as connection:
                result = job.work(connection)
        except StorageError as error:  # what it says is about the data: the connection is sound
            self._loop.call_soon_threadsafe(job.failed, error)
        except Exception as error:  # noqa: BLE001  reason: whatever it was, the writers that wait are told
            self._disconnect()  # it may be broken: the next piece of work finds out with another
            self._loop.call_soon_threadsafe(job.failed, error)
        else:
            self._loop.call_soon_threadsafe(job.done, result)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._source.connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
