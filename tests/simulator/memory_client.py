"""The client's verbs over a store in memory: versions, generations, conflicts, finalizers and watches as the registry has them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import anyio

from upright.client.client import Listing
from upright.openapi.errors import AlreadyExists, Conflict, NotFound
from upright.openapi.meta import Object

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
    from datetime import datetime

    from upright.client.client import Client
    from upright.openapi.meta import Json

T = TypeVar("T", bound=Object)


class MemoryChange(Generic[T]):
    """A watch event that was never JSON."""

    __slots__ = ("body", "object", "resource_version", "type")

    def __init__(self, type_: str, obj: T) -> None:
        self.type = type_
        self.object = obj
        meta = obj.metadata
        self.resource_version = meta.resource_version
        self.body: Json = {"metadata": {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid}}


class _Kept:
    """All objects of a kind, and what happened to them."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.changes: list[MemoryChange[Object]] = []
        self.news = anyio.Event()


class MemoryClient:
    """Has what controllers ask of a Client; what is stored outlives them."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._version = 0
        self._kinds: dict[type[Object], _Kept] = {}

    @property
    def typed(self) -> Client:
        """This client, as what controllers take."""
        return cast("Client", self)  # reason: it has the verbs that controllers use, and no transport

    def _of(self, kind: type[Object]) -> _Kept:
        return self._kinds.setdefault(kind, _Kept())

    def find(self, kind: type[T], name: str) -> T | None:
        found = self._of(kind).objects.get(name)
        return found if isinstance(found, kind) else None

    def all(self, kind: type[T]) -> list[T]:
        return [one for one in self._of(kind).objects.values() if isinstance(one, kind)]

    async def list(self, kind: type[T]) -> Listing[T]:
        return Listing(tuple(self.all(kind)), str(self._version))

    @asynccontextmanager
    async def watch(
        self, kind: type[T], *, resource_version: str = "", resume: bool = True
    ) -> AsyncGenerator[AsyncIterator[MemoryChange[Object]]]:
        del resume
        yield self._changes(self._of(kind), int(resource_version))

    async def _changes(self, kept: _Kept, since: int) -> AsyncIterator[MemoryChange[Object]]:
        at = next((n for n, one in enumerate(kept.changes) if int(one.resource_version) > since), len(kept.changes))
        while True:
            while at < len(kept.changes):
                yield kept.changes[at]
                at += 1
            await kept.news.wait()

    async def create(self, obj: T) -> T:
        kept = self._of(type(obj))
        if obj.name in kept.objects:
            raise AlreadyExists(f"{obj.name} is there already")
        meta = {"uid": f"our-{self._version + 1}", "generation": 1, "creation_timestamp": self._clock()}
        return self._put(kept, "ADDED", obj, meta)

    async def update(self, obj: T) -> T:
        there = self._current(obj)
        changed = getattr(there, "spec", None) != getattr(obj, "spec", None)
        status = {"status": getattr(there, "status", None)} if hasattr(there, "status") else {}
        made = obj.model_copy(update=status)
        kept = self._of(type(obj))
        if there.metadata.deletion_timestamp is not None and not obj.metadata.finalizers:
            self._drop(kept, made)
            return made
        return self._put(kept, "MODIFIED", made, {"generation": there.metadata.generation + int(changed)})

    async def update_status(self, obj: T) -> T:
        there = self._current(obj)
        status = getattr(obj, "status", None)
        if getattr(there, "status", None) == status:
            return there
        return self._put(self._of(type(obj)), "MODIFIED", there.model_copy(update={"status": status}), {})

    async def delete(self, kind: type[Object], name: str, *, namespace: str = "", uid: str = "") -> None:
        del namespace
        kept = self._of(kind)
        found = kept.objects.get(name)
        if found is None:
            raise NotFound(f"{name} is not there")
        if uid and found.metadata.uid != uid:
            raise Conflict(f"{name} is another one")
        if found.metadata.finalizers:
            self._put(kept, "MODIFIED", found, {"deletion_timestamp": self._clock()})
        else:
            self._drop(kept, found)

    def _current(self, obj: T) -> T:
        there = self.find(type(obj), obj.name)
        if there is None:
            raise NotFound(f"{obj.name} is not there")
        if obj.metadata.resource_version != there.metadata.resource_version:
            raise Conflict(f"{obj.name} was written by somebody else")
        return there

    def _put(self, kept: _Kept, word: str, obj: T, meta: Mapping[str, object]) -> T:
        self._version += 1
        about = obj.metadata.model_copy(update={**meta, "resource_version": str(self._version)})
        stored = obj.model_copy(update={"metadata": about})
        kept.objects[stored.name] = stored
        self._tell(kept, word, stored)
        return stored

    def _drop(self, kept: _Kept, obj: Object) -> None:
        self._version += 1
        del kept.objects[obj.name]
        about = obj.metadata.model_copy(update={"resource_version": str(self._version)})
        self._tell(kept, "DELETED", obj.model_copy(update={"metadata": about}))

    def _tell(self, kept: _Kept, word: str, obj: Object) -> None:
        kept.changes.append(MemoryChange(word, obj))
        kept.news.set()
        kept.news = anyio.Event()
