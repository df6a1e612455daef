"""A mirror of all objects of one kind, kept by list and watch, that tells of each change."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

from upright.controllers.runtime.queue import Key
from upright.openapi.errors import APIError, Expired, Gone
from upright.openapi.meta import Object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from anyio.abc import TaskStatus

    from upright.client.client import Change, Client

T = TypeVar("T", bound=Object)
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0

_log = logging.getLogger(__name__)


def key_of(obj: Object) -> Key:
    """Return the object's key."""
    return Key(obj.metadata.namespace, obj.metadata.name)


class Informer(Generic[T]):
    """A mirror of all objects of one kind.

    ``subscribe`` before ``run``: subscribers get (old, new) of each change, in order; one of the two is None for
    creation and deletion. ``observe`` takes in the answer of an own write, so that one reads what one wrote.
    """

    def __init__(self, client: Client, kind: type[T]) -> None:
        self.kind = kind
        self._client = client
        self._objects: dict[Key, T] = {}
        self._owned: dict[str, dict[Key, T]] = {}
        self._subscribers: list[Callable[[T | None, T | None], None]] = []

    def subscribe(self, subscriber: Callable[[T | None, T | None], None]) -> None:
        """Call ``subscriber(old, new)`` for each change from now on."""
        self._subscribers.append(subscriber)

    def get(self, key: Key) -> T | None:
        return self._objects.get(key)

    def all(self) -> Iterable[T]:
        return self._objects.values()

    def owned_by(self, uid: str) -> Iterator[T]:
        """Yield the objects that name this uid as their owner."""
        yield from self._owned.get(uid, {}).values()

    def observe(self, obj: T) -> None:
        """Take in an object that a write returned, unless something newer is known."""
        known = self._objects.get(key_of(obj))
        if known is None or _version(known) < _version(obj):
            self._put(obj)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Mirror until cancelled; says started when the first list is in."""
        pause = FIRST_PAUSE_SECONDS
        since = ""
        told = False
        while True:
            try:
                if not since:
                    since = await self._list()
                    if not told:
                        task_status.started()
                        told = True
                since = await self._watch(since)
                pause = FIRST_PAUSE_SECONDS
            except (Gone, Expired):
                since = ""
            except (APIError, OSError) as error:
                _log.warning("watching %s: %s; again in %.1f s", self.kind.definition.plural, error, pause)
                await anyio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _list(self) -> str:
        listing = await self._client.list(self.kind)
        seen = {key_of(obj) for obj in listing.items}
        for obj in listing.items:
            self.observe(obj)
        for key in [key for key in self._objects if key not in seen]:
            self._drop(key)
        return listing.resource_version

    async def _watch(self, since: str) -> str:
        async with self._client.watch(self.kind, resource_version=since, resume=False) as changes:
            async for change in changes:
                since = change.resource_version
                self._take(change)
        return since

    def _take(self, change: Change[T]) -> None:
        if change.type == "BOOKMARK":
            return
        meta = change.body["metadata"]
        key = Key(meta.get("namespace", ""), meta["name"])
        known = self._objects.get(key)
        if change.type == "DELETED":
            if known is not None and known.metadata.uid == meta["uid"]:
                self._drop(key)
        elif (known is None or _version(known) < int(change.resource_version)) and change.object is not None:
            self._put(change.object)

    def _put(self, obj: T) -> None:
        key = key_of(obj)
        old = self._objects.get(key)
        if old is not None:
            self._disown(key, old)
        self._objects[key] = obj
        for owner in obj.metadata.owner_references:
            self._owned.setdefault(owner.uid, {})[key] = obj
        self._tell(old, obj)

    def _drop(self, key: Key) -> None:
        old = self._objects.pop(key)
        self._disown(key, old)
        self._tell(old, None)

    def _disown(self, key: Key, obj: T) -> None:
        for owner in obj.metadata.owner_references:
            theirs = self._owned.get(owner.uid, {})
            theirs.pop(key, None)
            if not theirs:
                self._owned.pop(owner.uid, None)

    def _tell(self, old: T | None, new: T | None) -> None:
        for subscriber in self._subscribers:
            subscriber(old, new)


def _version(obj: Object) -> int:
    return int(obj.metadata.resource_version or 0)
