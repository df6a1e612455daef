"""A queue of keys: each waits at most once, is worked on by one worker at a time, and can be put off."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count
from typing import NamedTuple

import anyio

FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 15.0


class Key(NamedTuple):
    """Namespace (empty for cluster-scoped kinds) and name of an object."""

    namespace: str
    name: str


class Queue:
    """Keys to reconcile.

    A key added while it is worked on is handed out again after ``done``; a key added twice is handed out once.
    ``retry`` puts a key off for a time that doubles with each failure until ``forget``.
    """

    def __init__(self) -> None:
        self._ready: deque[Key] = deque()
        self._dirty: set[Key] = set()
        self._working: set[Key] = set()
        self._later: list[tuple[float, int, Key]] = []
        self._due: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._order = count()
        self._idle: deque[anyio.Event] = deque()

    def __len__(self) -> int:
        return len(self._dirty)

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting now or being worked on; what is put off does not count."""
        return not self._dirty and not self._working

    def add(self, key: Key) -> None:
        """Hand the key out as soon as possible."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._working:
            self._ready.append(key)
            self._wake_one()

    def add_after(self, key: Key, seconds: float) -> None:
        """Hand the key out in ``seconds``; of several such times the earliest counts."""
        if seconds <= 0:
            self.add(key)
            return
        due = anyio.current_time() + seconds
        if key in self._due and self._due[key] <= due:
            return
        self._due[key] = due
        heapq.heappush(self._later, (due, next(self._order), key))
        self._wake_one()

    def retry(self, key: Key) -> float:
        """Hand the key out after a pause that grows with each failure; returns the pause in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        pause = min(FIRST_RETRY_SECONDS * 2.0**failures, LONGEST_RETRY_SECONDS)
        self.add_after(key, pause)
        return pause

    def forget(self, key: Key) -> None:
        """Start counting the key's failures anew."""
        self._failures.pop(key, None)

    def done(self, key: Key) -> None:
        """Say that the key is no longer worked on."""
        self._working.discard(key)
        if key in self._dirty:
            self._ready.append(key)
            self._wake_one()

    async def get(self) -> Key:
        """Wait for the next key; the caller owes a ``done``."""
        while True:
            wait = self._promote()
            if self._ready:
                key = self._ready.popleft()
                self._dirty.discard(key)
                self._working.add(key)
                return key
            news = anyio.Event()
            self._idle.append(news)
            with anyio.move_on_after(wait):
                await news.wait()
            if not news.is_set():
                self._idle.remove(news)

    def _wake_one(self) -> None:
        """Wake one worker: it alone takes what came, or waits for the time that was given."""
        if self._idle:
            self._idle.popleft().set()

    def _promote(self) -> float | None:
        """Move what is due to the front; return the seconds until the next is, None if nothing is put off."""
        now = anyio.current_time()
        while self._later:
            due, _, key = self._later[0]
            if self._due.get(key) != due:
                heapq.heappop(self._later)
            elif due <= now:
                heapq.heappop(self._later)
                del self._due[key]
                self.add(key)
            else:
                return due - now
        return None
