"""The store: objects by address, one revision for every change, watches that miss nothing.

What is read and watched is what is committed; ``commits`` has the road of a write.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import orjson

from upright.apiserver.storage.commits import Commits, Shown
from upright.apiserver.storage.forgetting import Forgetting
from upright.apiserver.storage.new_database import NewDatabase, is_new
from upright.apiserver.storage.records import (
    Address,
    Bodies,
    Closed,
    Compacted,
    Event,
    Figures,
    KeyExists,
    KeyNotFound,
    Loaded,
    Remove,
    Retention,
    Stored,
)
from upright.apiserver.storage.shelves import Shelves
from upright.apiserver.storage.watchers import Hub, Scope, Subscription, Window

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from upright.apiserver.storage.database import Database
    from upright.apiserver.storage.records import Decide, Decision
    from upright.apiserver.storage.watchers import Filter
    from upright.openapi.meta import Json

    # Names for what the method called list hides.
    Versions = list[Stored]
    Events = list[Event]

HELD_BODIES = 1024


class Store:
    """Use ``async with Store.open(path) as store``."""

    def __init__(self, database: Database | NewDatabase, loaded: Loaded, retention: Retention) -> None:
        self._database = database
        self._bodies = Bodies(HELD_BODIES)
        self._shelves = Shelves()
        self._shelves.replace(loaded, self._bodies)
        self._window = Window(loaded.revision, retention)
        self._hub = Hub(self._window, self._replay)
        forgetting = Forgetting(retention, loaded, asyncio.get_running_loop().time())
        self._commits = Commits(database, loaded, forgetting, Shown(self._shelves, self._hub), self._bodies)
        self._closing = False

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
            database.start_writing(store._commits.news)
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
        return self._commits.revision

    @property
    def compacted(self) -> int:
        """The revision up to which the past is forgotten."""
        return self._commits.compacted

    def count(self, resource: str) -> int:
        """Return how many objects of a resource there are, in every partition."""
        return self._shelves.count(resource)

    def figures(self) -> Figures:
        """Return how the store is doing."""
        commits = self._commits
        return Figures(self._hub.watchers, commits.queued, commits.groups, commits.writes)

    async def refusing(self, seconds: float) -> str:
        """Return why the database takes no writes, when it has taken none for so long."""
        return await self._commits.refusal.lasting(seconds)

    def get(self, address: Address) -> Stored | None:
        """Return what is committed at the address."""
        return self._shelves.get(address)

    def newest(self, address: Address) -> Stored | None:
        """Return what is at the address for the next decision, committed or not. For decisions only."""
        return self._commits.newest(address)

    def list(self, resource: str, *, partition: str | None = "", namespace: str = "") -> tuple[Versions, int]:
        """Return a collection in the order of its names, and the revision at which it looks so."""
        return self._shelves.all(resource, partition, namespace), self.revision

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

        ``decide`` runs at once, before this first awaits, and gets None where nothing is; it runs again where another
        server on the same database was quicker. It returns the new body, ``Remove``, or None for no change; equal
        content is no change either. Raises what ``decide`` raises, WriteFailed if the database refuses, Closed.
        """
        if self._closing:
            raise Closed("the store is closed")
        return await self._commits.write(address, decide)

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
        if since is not None and since < self.compacted:
            raise self._forgotten(since)
        scope = Scope(partition, resource, namespace, name)
        return Subscription(self._hub, scope, self.revision if since is None else since, accept)

    def _forgotten(self, since: int) -> Compacted:
        return Compacted(f"revision {since} is too old: the past up to {self.compacted} is forgotten")

    async def _replay(self, scope: Scope, since: int) -> tuple[Events, int]:
        """Read the next events of the past from the database; return them and how far they reach."""
        if self._closing:
            raise Closed("the store is closed")
        until = self.revision
        read = partial(self._database.replay, scope, since, until)
        found = await anyio.to_thread.run_sync(read)
        if since < max(self.compacted, found.compacted):
            raise self._forgotten(since)
        events: Events = []
        for kind, address, revision, data, before in found.past:
            earlier = Stored(address, *before, self._bodies) if before else None
            events.append(Event(kind, address, revision, Stored(address, revision, data, self._bodies), earlier))
        return events, found.reached

    def end_watches(self) -> None:
        """End every watch, so that a server which waits for its streams can stop."""
        self._hub.end_all(Closed("the server is stopping"))

    async def _finish(self) -> None:
        """Take no more, commit what was accepted, tell the streams."""
        self._closing = True
        await self._commits.finish()
        self.end_watches()


async def _opened(where: str, *, durable: bool) -> tuple[Database | NewDatabase, Loaded]:
    """Open what is there and read it; a file that is not there is made while the store is used already."""
    if is_new(where):
        return NewDatabase(where, durable=durable), Loaded(0, 0)
    from upright.apiserver.storage.database import Database  # noqa: PLC0415  reason: a new file is opened behind the first answer

    database = await anyio.to_thread.run_sync(partial(Database.open, where, durable=durable))
    try:
        return database, await anyio.to_thread.run_sync(database.load)
    except BaseException:
        await anyio.to_thread.run_sync(database.close)
        raise
