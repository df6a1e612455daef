"""Hears from PostgreSQL that another server has written."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import psycopg

from upright.apiserver.storage.tables import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS = 5.0
"""So often it is looked whether there are news that were not told: a notification can be lost with its connection."""
AGAIN_SECONDS = 1.0
_DONE = "closing"


class Listener:
    """A thread with a connection of its own; calls ``news`` on the loop, with 0 where it cannot be told what is new."""

    def __init__(self, url: str, news: Callable[[int], None]) -> None:
        self._url = url
        self._news = news
        self._loop = asyncio.get_running_loop()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="storage-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. Blocks."""
        self._closing.set()
        with suppress(psycopg.Error), psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, _DONE))
        self._thread.join(LOOK_SECONDS + AGAIN_SECONDS)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}".encode())
                    self._listen(connection)
            except psycopg.Error:
                self._closing.wait(AGAIN_SECONDS)

    def _listen(self, connection: psycopg.Connection) -> None:
        self._tell(0)
        while not self._closing.is_set():
            heard = False
            for notice in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                heard = True
                if notice.payload != _DONE:
                    self._tell(int(notice.payload))
            if not heard:
                self._tell(0)

    def _tell(self, revision: int) -> None:
        with suppress(RuntimeError):  # the loop is closed: there is nobody left to tell
            self._loop.call_soon_threadsafe(self._news, revision)
