"""Who is told what happened: the newest events in memory, and a bounded backlog for every watcher."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Self

from upright.apiserver.storage.records import Closed, Compacted, TooSlow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from upright.apiserver.storage.records import Event, Retention

    Filter = Callable[[Event], Event | None]
    Replay = Callable[["Scope", int], Awaitable[tuple[list[Event], int]]]

BACKLOG_EVENTS = 1024


class Scope(NamedTuple):
    """What a watcher wants to hear of: an empty namespace or name means any, no partition every partition."""

    partition: str | None
    resource: str
    namespace: str = ""
    name: str = ""

    def covers(self, event: Event) -> bool:
        partition, resource, namespace, name = event.address
        return (
            resource == self.resource
            and (self.partition is None or partition == self.partition)
            and (not self.namespace or namespace == self.namespace)
            and (not self.name or name == self.name)
        )


class Window:
    """The newest events, in memory, in order: all that happened after ``start``."""

    def __init__(self, start: int, retention: Retention) -> None:
        self.start = start
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._retention = retention

    def append(self, event: Event) -> None:
        self._events.append(event)
        self._bytes += len(event.stored.data)
        while len(self._events) > self._retention.window or self._bytes > self._retention.window_bytes:
            oldest = self._events.popleft()
            self._bytes -= len(oldest.stored.data)
            self.start = oldest.revision

    def clear(self, start: int) -> None:
        """Forget all: what happened until ``start`` is not known here."""
        self._events.clear()
        self._bytes = 0
        self.start = start

    def newest_first(self, since: int) -> Iterable[Event]:
        """Yield what happened after ``since``, the last first; raises Compacted if not all of it is here."""
        if since < self.start:
            raise Compacted(f"revision {since} is older than {self.start}, the oldest in memory")
        for event in reversed(self._events):
            if event.revision <= since:
                return
            yield event


class Subscription:
    """One watcher: everything in its scope after its position, once, in revision order.

    ``take`` returns what there is, or waits for it. A watcher that lets its backlog fill is cut off: its next ``take``
    raises TooSlow. When the store closes, what is left is returned and then Closed is raised; ``async for`` just ends.
    """

    def __init__(self, hub: Hub, scope: Scope, since: int, accept: Filter | None) -> None:
        self.scope = scope
        self.accept = accept
        self._hub = hub
        self._position = since
        self._backlog: list[Event] = []
        self._ending: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._attached = self._attach()

    @property
    def revision(self) -> int:
        """The revision up to which everything was taken: where a later watch can resume."""
        if not self._attached:
            return self._position
        return self._backlog[0].revision - 1 if self._backlog else self._hub.revision

    def offer(self, event: Event) -> None:
        """Put the event in the backlog, or cut the watcher off if there is no room."""
        if self._ending:
            return
        if len(self._backlog) >= self._hub.backlog:
            self._backlog.clear()
            self.end(
                TooSlow(
                    f"the watch fell {self._hub.backlog} events behind and was cut off: list again, and watch from there"
                )
            )
            return
        self._backlog.append(event)
        self._wake()

    def end(self, why: Exception) -> None:
        """Let the watcher take what is left, then raise ``why``."""
        self._ending = self._ending or why
        self._hub.detach(self)
        self._wake()

    async def take(self, wait: float | None = None) -> list[Event]:
        """Return the next events; none of them if there were none for ``wait`` seconds."""
        if not self._attached and not self._ending and (past := await self._catch_up()):
            return past
        if not self._backlog and not self._ending:
            await self._something(wait)
        if self._backlog:
            taken, self._backlog = self._backlog, []
            return taken
        if self._ending:
            raise self._ending
        return []

    async def _catch_up(self) -> list[Event]:
        """Read from the database until the window in memory reaches back far enough, then join the live stream."""
        while not self._attach():
            past, self._position = await self._hub.replay(self.scope, self._position)
            if accepted := self._accepted(past):
                return accepted
        self._attached = True
        return []

    def _attach(self) -> bool:
        past = self._hub.attach(self, self._position)
        if past is not None:
            self._backlog = self._accepted(past)
        return past is not None

    def _accepted(self, events: list[Event]) -> list[Event]:
        return [told for told in map(self.accept, events) if told] if self.accept else events

    async def _something(self, wait: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(wait, self._wake) if wait is not None else None
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Stop listening."""
        self._hub.detach(self)
        self._backlog.clear()
        self._ending = self._ending or Closed("the watch was closed")
        self._wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_about: object) -> None:
        self.close()

    async def __aiter__(self) -> AsyncIterator[Event]:
        try:
            while True:
                for event in await self.take():
                    yield event
        except Closed:
            return
        finally:
            self.close()


class Hub:
    """All watchers of a store, found by scope, so that a write costs nothing for those it does not concern."""

    def __init__(self, window: Window, replay: Replay, backlog: int = BACKLOG_EVENTS) -> None:
        self.revision = window.start
        self.replay = replay
        self.backlog = backlog
        self._window = window
        self._closed: Exception | None = None
        self._by_resource: dict[str, dict[Scope, dict[Filter | None, dict[Subscription, None]]]] = {}

    @property
    def watchers(self) -> int:
        """How many are told of what happens."""
        scopes = (filters for watched in self._by_resource.values() for filters in watched.values())
        return sum(len(group) for filters in scopes for group in filters.values())

    def attach(self, watcher: Subscription, since: int) -> list[Event] | None:
        """Add the watcher, return what the window has for it after ``since``; None if it does not reach back so far."""
        if self._closed:
            raise self._closed
        if since < self._window.start:
            return None
        past = [event for event in self._window.newest_first(since) if watcher.scope.covers(event)]
        watched = self._by_resource.setdefault(watcher.scope.resource, {})
        watched.setdefault(watcher.scope, {}).setdefault(watcher.accept, {})[watcher] = None
        return past[::-1]

    def detach(self, watcher: Subscription) -> None:
        watched = self._by_resource.get(watcher.scope.resource, {})
        filters = watched.get(watcher.scope, {})
        group = filters.get(watcher.accept, {})
        group.pop(watcher, None)
        if not group:
            filters.pop(watcher.accept, None)
        if not filters:
            watched.pop(watcher.scope, None)

    def publish(self, event: Event) -> None:
        """Tell everybody whom the event concerns. Never waits."""
        self.revision = event.revision
        self._window.append(event)
        partition, resource, namespace, name = event.address
        watched = self._by_resource.get(resource)
        if not watched:
            return
        for scope in {
            Scope(where, resource, within, called)
            for where in (partition, None)
            for within in (namespace, "")
            for called in (name, "")
        }:
            for accept, watchers in tuple(watched.get(scope, {}).items()):
                if told := accept(event) if accept else event:
                    for watcher in tuple(watchers):
                        watcher.offer(told)

    def begin_anew(self, revision: int, why: Exception) -> None:
        """End every watch there is: nobody can tell what happened until this revision."""
        self.revision = revision
        self._window.clear(revision)
        self._end(why)

    def end_all(self, why: Exception) -> None:
        """End every watch, now and later."""
        self._closed = why
        self._end(why)

    def _end(self, why: Exception) -> None:
        scopes = [filters for watched in self._by_resource.values() for filters in watched.values()]
        for watcher in [one for filters in scopes for watchers in filters.values() for one in watchers]:
            watcher.end(why)
