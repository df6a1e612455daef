"""The store: objects by address, one revision for every change, watches that miss nothing.

Decisions are made on the event loop, one after the other, against the newest state, committed or not; so there are no
conflicts inside, and revisions are handed out in order. A thread commits them in groups. What is read and watched is
what is committed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import orjson

from upright.apiserver.storage.new_database import NewDatabase, is_new
from upright.apiserver.storage.records import (
    Address,
    Bodies,
    Closed,
    Compacted,
    Event,
    KeyExists,
    KeyNotFound,
    Loaded,
    Remove,
    Retention,
    Stored,
    WriteFailed,
)
from upright.apiserver.storage.shelves import Shelves
from upright.apiserver.storage.watchers import Hub, Scope, Subscription, Window

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from upright.apiserver.storage.database import Database
    from upright.apiserver.storage.records import Decide, Decision, EventType
    from upright.apiserver.storage.watchers import Filter
    from upright.openapi.meta import Json

    # Names for what the method called list hides.
    Versions = list[Stored]
    Events = list[Event]
    Batch = list["_Write"]

BATCH_WRITES = 512
HELD_BODIES = 1024
MARKS = 16


class _Write:
    """A change that is decided and not yet committed, and who waits for it."""

    __slots__ = ("event", "waiters")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.waiters: list[asyncio.Future[None]] = []

    @property
    def left(self) -> Stored | None:
        """What it leaves at its address."""
        return None if self.event.type == "DELETED" else self.event.stored


class Store:
    """Use ``async with Store.open(path) as store``."""

    def __init__(self, database: Database | NewDatabase, loaded: Loaded, retention: Retention) -> None:
        self._database = database
        self._retention = retention
        self._bodies = Bodies(HELD_BODIES)
        self._shelves = Shelves()
        self._revision = self._handed = loaded.revision
        self._compacted = loaded.compacted
        for (resource, partition), rows in loaded.objects.items():
            self._shelves.shelf(resource, partition).fill(
                Stored(Address(partition, resource, namespace, name), revision, data, self._bodies)
                for namespace, name, revision, data in rows
            )
        self._window = Window(self._revision, retention)
        self._hub = Hub(self._window, self._replay)
        self._newest: dict[Address, _Write] = {}
        self._queue: deque[_Write] = deque()
        self._busy = False
        self._just_compacted = False
        self._closing = False
        self._idle = anyio.Event()
        self._loop = asyncio.get_running_loop()
        self._marks: deque[tuple[float, int]] = deque([(self._loop.time(), self._revision)])

    @classmethod
    @asynccontextmanager
    async def open(
        cls, where: str, *, durable: bool = True, retention: Retention | None = None
    ) -> AsyncGenerator[Store]:
        """Open the database at a URL or a path, made if it is not there. ``durable``: survive power loss, not only us.

        On leaving, watches are ended and every write that was accepted is committed.
        """
        database, loaded = await _opened(where, durable=durable)
        try:
            store = cls(database, loaded, retention or Retention())
            database.start_writing()
            try:
                yield store
            finally:
                with anyio.CancelScope(shield=True):
                    await store._finish()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(database.close)

    @property
    def revision(self) -> int:
        """The revision of the last committed change."""
        return self._revision

    @property
    def compacted(self) -> int:
        """The revision up to which the past is forgotten."""
        return self._compacted

    def get(self, address: Address) -> Stored | None:
        """Return what is committed at the address."""
        return self._shelves.get(address)

    def newest(self, address: Address) -> Stored | None:
        """Return what is at the address for the next decision, committed or not. For decisions only."""
        write = self._newest.get(address)
        return write.left if write else self._shelves.get(address)

    def list(self, resource: str, *, partition: str | None = "", namespace: str = "") -> tuple[Versions, int]:
        """Return a collection in the order of its names, and the revision at which it looks so."""
        return self._shelves.all(resource, partition, namespace), self._revision

    def list_at(self, revision: int, resource: str, *, partition: str | None = "", namespace: str = "") -> Versions:
        """Return a collection as it was at a revision. Raises Compacted if that is too long ago."""
        scope = Scope(partition, resource, namespace)
        then = {stored.address: stored for stored in self._shelves.all(resource, partition, namespace)}
        for event in self._window.newest_first(revision):
            if scope.covers(event):
                then.pop(event.address, None)
                if event.before:
                    then[event.address] = event.before
        return [then[address] for address in sorted(then)]

    def draft(self, address: Address, revision: int, body: Json) -> Stored:
        """Return what is not stored as if it were, for dry runs and bookmarks."""
        return Stored(address, revision, orjson.dumps(body), self._bodies, body)

    async def create(self, address: Address, body: Json) -> Stored:
        """Put a new object. Raises KeyExists."""

        def decide(current: Stored | None) -> Json:
            if current:
                raise KeyExists("/".join(address))
            return body

        return await self.write(address, decide)

    async def update(self, address: Address, change: Callable[[Stored], Decision]) -> Stored:
        """Put what ``change`` makes of the newest version. Raises KeyNotFound, and what ``change`` raises."""

        def decide(current: Stored | None) -> Decision:
            if not current:
                raise KeyNotFound("/".join(address))
            return change(current)

        return await self.write(address, decide)

    async def delete(self, address: Address, check: Callable[[Stored], None] | None = None) -> Stored:
        """Delete the object; return its last body under the delete's revision. Raises KeyNotFound, and what ``check`` raises."""

        def decide(current: Stored) -> Remove:
            if check:
                check(current)
            return Remove(current.body)

        return await self.update(address, decide)

    async def write(self, address: Address, decide: Decide) -> Stored:
        """Let ``decide`` say what the newest version becomes, and return it once it is committed.

        ``decide`` runs at once, before this first awaits, and gets None where nothing is. It returns the new body,
        ``Remove``, or None for no change; equal content is no change either. Raises what ``decide`` raises, WriteFailed
        if the database refuses, Closed.
        """
        if self._closing:
            raise Closed("the store is closed")
        current = self.newest(address)
        if event := self._happening(address, current, decide(current)):
            write = self._newest[address] = _Write(event)
            self._queue.append(write)
            self._soon()
        elif current is None:
            raise KeyNotFound("/".join(address))
        elif address in self._newest:
            write = self._newest[address]
        else:
            return current
        waiter: asyncio.Future[None] = self._loop.create_future()
        write.waiters.append(waiter)
        await waiter
        return write.event.stored

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
        elif current and _same(current, body):
            return None
        stored = self._encode(address, body)
        return Event(kind, address, stored.revision, stored, current)

    def _encode(self, address: Address, body: Json) -> Stored:
        revision = self._handed + 1
        body = _versioned(body, revision)
        data = orjson.dumps(body)
        self._handed = revision
        return Stored(address, revision, data, self._bodies, body)

    def _soon(self) -> None:
        """Have the queue committed when this turn of the loop is over: what it decided goes together."""
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        """Hand the writer what is queued, or a step of compaction, or be idle."""
        target = self._forgettable()
        due = target > self._compacted and not (self._queue and self._just_compacted)
        if due:
            self._just_compacted = True
            floor, self._compacted = self._compacted, target  # first: a replay that reads meanwhile must notice
            self._database.compact(floor, target, lambda _: self._next(), self._compaction_failed)
        elif self._queue:
            self._just_compacted = False
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_WRITES))]
            events = [write.event for write in batch]
            self._database.commit(events, partial(self._committed, batch), partial(self._refused, batch))
        else:
            self._rest()

    def _rest(self) -> None:
        self._busy = False
        self._idle.set()
        self._idle = anyio.Event()

    def _committed(self, batch: Batch, _nothing: None) -> None:
        """Show the batch to readers, wake its writers, tell the watchers: in one go, so that all see the same."""
        for write in batch:
            event = write.event
            if event.type == "DELETED":
                self._shelves.drop(event.address)
            else:
                self._shelves.put(event.stored)
            if self._newest.get(event.address) is write:
                del self._newest[event.address]
            _wake(write)
        self._revision = batch[-1].event.revision
        for write in batch:
            self._hub.publish(write.event)
        self._mark()
        self._next()

    def _refused(self, batch: Batch, error: Exception) -> None:
        """Fail the batch and all that was decided on top of it; what is committed is the newest again."""
        failed = [*batch, *self._queue]
        self._queue.clear()
        self._newest.clear()
        self._handed = self._revision
        for write in failed:
            _wake(write, WriteFailed(f"the database refused the write: {error}"))
        self._next()

    def _compaction_failed(self, _error: Exception) -> None:
        """Go on without: forgetting later is no harm, and the next write tries the next step."""
        self._just_compacted = True
        if self._queue:
            self._next()
        else:
            self._rest()

    def _mark(self) -> None:
        """Note now and then which revision it is, to know later what is old."""
        now = self._loop.time()
        if now - self._marks[-1][0] >= self._retention.age / MARKS:
            self._marks.append((now, self._revision))

    def _forgettable(self) -> int:
        """Return up to where the next step of compaction may forget."""
        limit = self._revision - self._retention.events
        oldest = self._loop.time() - self._retention.age
        while len(self._marks) > 1 and self._marks[1][0] <= oldest:
            self._marks.popleft()
        if self._marks[0][0] <= oldest:
            limit = max(limit, self._marks[0][1])
        return min(limit, self._compacted + self._retention.step)

    def watch(
        self,
        resource: str,
        *,
        partition: str | None = "",
        namespace: str = "",
        name: str = "",
        since: int | None = None,
        accept: Filter | None = None,
    ) -> Subscription:
        """Return a watch of everything after ``since`` (None: from now on). Raises Compacted if that is too long ago.

        ``accept`` may drop an event or return another in its place; it is called once for all watchers of the same
        scope that hand in an equal one.
        """
        if since is not None and since < self._compacted:
            raise self._forgotten(since)
        scope = Scope(partition, resource, namespace, name)
        return Subscription(self._hub, scope, self._revision if since is None else since, accept)

    def _forgotten(self, since: int) -> Compacted:
        return Compacted(f"revision {since} is too old: the past up to {self._compacted} is forgotten")

    async def _replay(self, scope: Scope, since: int) -> tuple[Events, int]:
        """Read the next events of the past from the database; return them and how far they reach."""
        if self._closing:
            raise Closed("the store is closed")
        until = self._revision
        read = partial(self._database.replay, scope, since, until)
        rows, reached = await anyio.to_thread.run_sync(read)
        if since < self._compacted:
            raise self._forgotten(since)
        events: Events = []
        for kind, address, revision, data, before in rows:
            earlier = Stored(address, *before, self._bodies) if before else None
            events.append(Event(kind, address, revision, Stored(address, revision, data, self._bodies), earlier))
        return events, reached

    def end_watches(self) -> None:
        """End every watch, so that a server which waits for its streams can stop."""
        self._hub.end_all(Closed("the server is stopping"))

    async def _finish(self) -> None:
        """Take no more, commit what was accepted, tell the streams."""
        self._closing = True
        while self._busy:
            await self._idle.wait()
        self.end_watches()


def _versioned(body: Json, revision: int) -> Json:
    return {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": str(revision)}}


def _same(current: Stored, body: Json) -> bool:
    body = _versioned(body, current.revision)
    if orjson.dumps(body) == current.data:
        return True
    # Python holds 1 and true for equal; JSON does not. So equal dictionaries are compared again, as sorted bytes.
    return body == current.body and _sorted(body) == _sorted(current.body)


def _sorted(body: Json) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def _wake(write: _Write, error: Exception | None = None) -> None:
    for waiter in write.waiters:
        if waiter.done():
            continue
        if error:
            waiter.set_exception(error)
        else:
            waiter.set_result(None)


async def _opened(where: str, *, durable: bool) -> tuple[Database | NewDatabase, Loaded]:
    """Open what is there and read it; a file that is not there is made while the store is used already."""
    if is_new(where):
        return NewDatabase(where, durable=durable), Loaded(0, 0)
    from upright.apiserver.storage.database import Database  # noqa: PLC0415  reason: SQLAlchemy costs 150 ms

    database = await anyio.to_thread.run_sync(partial(Database.open, where, durable=durable))
    try:
        return database, await anyio.to_thread.run_sync(database.load)
    except BaseException:
        await anyio.to_thread.run_sync(database.close)
        raise
