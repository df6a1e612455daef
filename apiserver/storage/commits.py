"""The road of a write: decided on the loop, committed in groups by a thread, then shown to everybody at once."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import anyio
import orjson

from upright.apiserver.storage.records import (
    Address,
    Behind,
    Compacted,
    Event,
    KeyNotFound,
    Remove,
    Stored,
    WriteFailed,
)
from upright.apiserver.storage.refusal import Refusal
from upright.apiserver.storage.versions import same, versioned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.apiserver.storage.database import Database, News, Past
    from upright.apiserver.storage.forgetting import Forgetting
    from upright.apiserver.storage.new_database import NewDatabase
    from upright.apiserver.storage.records import Bodies, Decide, Decision, EventType, Loaded
    from upright.apiserver.storage.shelves import Shelves
    from upright.apiserver.storage.watchers import Hub
    from upright.openapi.meta import Json

BATCH_WRITES = 512


class Shown(NamedTuple):
    """Where what is committed is shown: to readers, and to watchers."""

    shelves: Shelves
    hub: Hub


class _Call(NamedTuple):
    """Somebody who waits for what becomes of a decision."""

    address: Address
    decide: Decide
    waiter: asyncio.Future[Stored]


class _Write:
    """A change that is decided and not yet committed, and who waits for it."""

    __slots__ = ("calls", "event")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.calls: list[_Call] = []

    @property
    def left(self) -> Stored | None:
        """What it leaves at its address."""
        return None if self.event.type == "DELETED" else self.event.stored


class Commits:
    """Decisions are made one after the other against the newest state, committed or not; revisions follow that order.

    Where another server writes to the same database, a group that was decided too early is refused as a whole: what the
    other wrote is taken in, and each decision made anew.
    """

    def __init__(
        self, database: Database | NewDatabase, loaded: Loaded, forgetting: Forgetting, shown: Shown, bodies: Bodies
    ) -> None:
        self.revision = self._handed = loaded.revision
        self.compacted = self._cleared = loaded.compacted
        self.busy = False
        self.groups = self.writes = 0
        self.refusal = Refusal()
        self._database = database
        self._shelves, self._hub = shown
        self._bodies = bodies
        self._loop = asyncio.get_running_loop()
        self._forgetting = forgetting
        self._newest: dict[Address, _Write] = {}
        self._queue: deque[_Write] = deque()
        self._calls: list[_Call] = []
        self._just_compacted = False
        self._news = False
        self._alarm: asyncio.TimerHandle | None = None
        self._idle = anyio.Event()

    def newest(self, address: Address) -> Stored | None:
        """Return what is at the address for the next decision, committed or not."""
        write = self._newest.get(address)
        return write.left if write else self._shelves.get(address)

    async def write(self, address: Address, decide: Decide) -> Stored:
        """Decide at once, and return what is there when that is committed."""
        write = self._decided(address, decide)
        if isinstance(write, Stored):
            return write
        call = _Call(address, decide, self._loop.create_future())
        write.calls.append(call)
        return await call.waiter

    def _decided(self, address: Address, decide: Decide) -> _Write | Stored:
        """Return the write that the decision is, or waits for; what is committed if it changes nothing."""
        current = self.newest(address)
        if event := self._happening(address, current, decide(current)):
            write = self._newest[address] = _Write(event)
            self._queue.append(write)
            self._soon()
            return write
        if current is None:
            raise KeyNotFound("/".join(address))
        return self._newest.get(address) or current

    def _happening(self, address: Address, current: Stored | None, decision: Decision) -> Event | None:
        """Return the event that a decision is, with the next revision; None if nothing changes."""
        body = decision.body if isinstance(decision, Remove) else decision
        if body is None:
            return None
        kind: EventType = "MODIFIED" if current else "ADDED"
        if isinstance(decision, Remove):
            if not current:
                return None
            kind = "DELETED"
        elif current and same(current, body):
            return None
        stored = self._encode(address, body)
        return Event(kind, address, stored.revision, stored, current)

    def _encode(self, address: Address, body: Json) -> Stored:
        revision = self._handed + 1
        body = versioned(body, revision)
        data = orjson.dumps(body)
        self._handed = revision
        return Stored(address, revision, data, self._bodies, body)

    def news(self, revision: int) -> None:
        """Hear that somebody has written up to this revision; 0: perhaps somebody has."""
        if not revision or revision > self._handed:
            self._news = True
            self._soon()

    def _soon(self) -> None:
        """Have the queue committed when this turn of the loop is over: what it decided goes together."""
        if not self.busy:
            self.busy = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        """Hand the writer what is to be done next: news, a step of compaction, the queue; or be idle."""
        self._forgetting.note(self._loop.time(), self.revision, 0)
        target = self._forgetting.target(self._loop.time(), self.revision, self.compacted)
        due = target > self.compacted and not (self._queue and self._just_compacted)
        self._just_compacted = due
        if self._news:
            self._news = False
            self._database.pull(self.revision, self._pulled, self._not_pulled)
        elif due:
            self.compacted = target  # first: a replay that reads meanwhile must notice
            self._database.compact(self._cleared, target, partial(self._forgotten, target), self._not_forgotten)
        elif self._queue:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_WRITES))]
            events = [write.event for write in batch]
            self._database.commit(events, partial(self._committed, batch), partial(self._refused, batch))
        else:
            self._rest()

    def _rest(self) -> None:
        self.busy = False
        self._idle.set()
        self._idle = anyio.Event()
        after = self._forgetting.look_again_after(self.revision, self.compacted)
        if after is not None and self._alarm is None:
            self._alarm = self._loop.call_later(after, self._look_again)

    def _look_again(self) -> None:
        self._alarm = None
        self._soon()

    @property
    def queued(self) -> int:
        """How many writes wait for their commit."""
        return len(self._queue)

    def _committed(self, batch: list[_Write], _nothing: None) -> None:
        """Show the batch to readers, wake its writers, tell the watchers: in one go, so that all see the same."""
        self.groups += 1
        self.writes += len(batch)
        self.refusal.taken()
        for write in batch:
            if self._newest.get(write.event.address) is write:
                del self._newest[write.event.address]
            for call in write.calls:
                if not call.waiter.done():
                    call.waiter.set_result(write.event.stored)
        self._show([write.event for write in batch])
        self._next()

    def _show(self, events: list[Event]) -> None:
        size = 0
        for event in events:
            size += len(event.stored.data)
            if event.type == "DELETED":
                self._shelves.drop(event.address)
            else:
                self._shelves.put(event.stored)
        self.revision = events[-1].revision
        self._handed = max(self._handed, self.revision)
        for event in events:
            self._hub.publish(event)
        self._forgetting.note(self._loop.time(), self.revision, size)

    def _refused(self, batch: list[_Write], error: Exception) -> None:
        """Fail the batch and all that was decided on top of it; or decide it anew, if it only came too late."""
        calls = [call for write in (*batch, *self._queue) for call in write.calls]
        self._queue.clear()
        self._newest.clear()
        self._handed = self.revision
        self._news = self._database.shared  # what failed may yet have been written, if the connection broke
        if isinstance(error, Behind):
            self._calls += calls
        else:
            self.refusal.refused(str(error))
            _fail(calls, WriteFailed(f"the database refused the write: {error}"))
        self._next()

    def _pulled(self, news: News) -> None:
        """Take in what others wrote, and make the decisions anew that did not know of it."""
        self.compacted = max(self.compacted, news.compacted)
        if news.whole is not None:
            self._decide_anew(news.whole.revision)
            self._begin_anew(news.whole)
        if news.past:
            self._decide_anew(news.past[-1].revision)
            self._show(self._told(news.past))
            self._news = self._news or news.more
        if not news.more:
            self._again()
        self._next()

    def _decide_anew(self, revision: int) -> None:
        """Take back what is decided and not committed; the next decision comes after this revision."""
        self._calls += [call for write in self._queue for call in write.calls]
        self._queue.clear()
        self._newest.clear()
        self._handed = revision

    def _begin_anew(self, whole: Loaded) -> None:
        """Others have forgotten what this server had not heard of: take in what is, and let the watchers list again."""
        self.revision = whole.revision
        self._shelves.replace(whole, self._bodies)
        why = f"the past up to {whole.compacted} is forgotten before this server heard of it: list again"
        self._hub.begin_anew(whole.revision, Compacted(why))

    def _told(self, past: Iterable[Past]) -> list[Event]:
        """Return what others did as events; what was there before, this server knows."""
        events: dict[Address, Event] = {}
        told: list[Event] = []
        for kind, address, revision, data, _ in past:
            earlier = events.get(address)
            before = self._shelves.get(address) if earlier is None else earlier.stored
            if earlier is not None and earlier.type == "DELETED":
                before = None
            events[address] = Event(kind, address, revision, Stored(address, revision, data, self._bodies), before)
            told.append(events[address])
        return told

    def _not_pulled(self, error: Exception) -> None:
        calls, self._calls = self._calls, []
        _fail(calls, WriteFailed(f"the database cannot be read: {error}"))
        self._next()

    def _again(self) -> None:
        """Make the decisions anew that were made too early."""
        calls, self._calls = self._calls, []
        for call in calls:
            try:
                write = self._decided(call.address, call.decide)
            except Exception as error:  # noqa: BLE001  reason: whatever the decision raises is its caller's
                _fail([call], error)
            else:
                if isinstance(write, _Write):
                    write.calls.append(call)
                elif not call.waiter.done():
                    call.waiter.set_result(write)

    def _forgotten(self, target: int, _nothing: None) -> None:
        self._cleared = target
        self._next()

    def _not_forgotten(self, _error: Exception) -> None:
        """Go on without: forgetting later is no harm, and a later step begins where the last one ended well."""
        if self._queue or self._news:
            self._next()
        else:
            self._rest()

    async def finish(self) -> None:
        """Commit what was accepted; nothing may be handed in any more."""
        while self.busy:
            await self._idle.wait()
        if self._alarm is not None:
            self._alarm.cancel()


def _fail(calls: Iterable[_Call], error: Exception) -> None:
    for call in calls:
        if not call.waiter.done():
            call.waiter.set_exception(error)
