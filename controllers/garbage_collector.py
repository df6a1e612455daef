"""Garbage collector: what is owned goes with its owner, in the order that the one who deletes wished; for all kinds.

Background: the owner goes, then what it owned. Foreground: what it owns goes first. Orphan: what it owned stays.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import anyio

from upright.controllers.runtime.informer import key_of
from upright.controllers.runtime.queue import Key, Queue
from upright.openapi.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from anyio.abc import TaskStatus

    from upright.client.transport import Propagation
    from upright.controllers.runtime.turn import Caches
    from upright.openapi.meta import Object, OwnerReference
    from upright.openapi.scheme import Scheme

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
WORKERS_PER_KIND = 4

_log = logging.getLogger(__name__)


class GarbageCollector:
    """Hears of every kind of the scheme through the mirrors.

    Make it before the mirrors start, and run it when they are in: only then is what is not there known to be absent.
    """

    def __init__(self, caches: Caches, scheme: Scheme) -> None:
        self._caches = caches
        self._scheme = scheme
        self._queues: dict[type[Object], Queue] = {}
        for kind in scheme:
            if not kind.definition.view_of:
                self._queues[kind] = Queue()
                caches.of(kind).subscribe(partial(self._heard, kind))

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Collect until cancelled."""
        async with anyio.create_task_group() as group:
            for kind in self._queues:
                for _ in range(WORKERS_PER_KIND):
                    group.start_soon(self._work, kind)
            task_status.started()

    def _heard(self, kind: type[Object], old: Object | None, new: Object | None) -> None:
        if new is None:
            if old is not None:
                self._gone(old)
            return
        if _policy(new) or (new.metadata.owner_references and _owners_changed(old, new) and self._bereft(new)):
            self._queues[kind].add(key_of(new))

    def _gone(self, old: Object) -> None:
        for dependent in self._dependents(old):
            self._queues[type(dependent)].add(key_of(dependent))
        for reference in old.metadata.owner_references:
            owner = self._owner(reference, old)
            if owner is not None and _policy(owner):
                self._queues[type(owner)].add(key_of(owner))

    def _dependents(self, owner: Object) -> Iterator[Object]:
        for kind in self._queues:
            yield from self._caches.of(kind).owned_by(owner.metadata.uid)

    def _owner(self, reference: OwnerReference, dependent: Object) -> Object | None:
        """Return the owner as the mirrors have it; None if it is not there, or another of its name."""
        kind = self._scheme.by_kind(reference.api_version, reference.kind)
        if kind is None or kind not in self._queues:
            return None
        key = _key(kind, reference, dependent)
        found: Object | None = self._caches.of(kind).get(key)
        return found if found is not None and found.metadata.uid == reference.uid else None

    def _bereft(self, obj: Object) -> bool:
        return any(self._owner(reference, obj) is None for reference in obj.metadata.owner_references)

    async def _work(self, kind: type[Object]) -> None:
        queue = self._queues[kind]
        while True:
            key = await queue.get()
            try:
                await self._collect(kind, key)
                queue.forget(key)
            except (Conflict, NotFound):
                queue.retry(key)
            except Exception:  # noqa: BLE001  reason: whatever it is, the object is tried again
                pause = queue.retry(key)
                _log.exception("collecting %s %s: again in %.2f s", kind.__name__, key.name, pause)
            finally:
                queue.done(key)

    async def _collect(self, kind: type[Object], key: Key) -> None:
        obj: Object | None = self._caches.of(kind).get(key)
        if obj is None:
            return
        policy = _policy(obj)
        if policy == FOREGROUND:
            await self._foreground(obj)
        elif policy == ORPHAN:
            await self._orphan(obj)
        elif obj.metadata.owner_references:
            await self._dependent(obj)

    async def _foreground(self, owner: Object) -> None:
        dependents = list(self._dependents(owner))
        if not any(_blocks(dependent, owner) for dependent in dependents):
            await self._without_finalizer(owner, FOREGROUND)
        for dependent in dependents:
            has_own = next(self._dependents(dependent), None) is not None
            await self._delete(dependent, "Foreground" if has_own else "Background")

    async def _orphan(self, owner: Object) -> None:
        for dependent in list(self._dependents(owner)):
            await self._disown(dependent, {owner.metadata.uid})
        await self._without_finalizer(owner, ORPHAN)

    async def _dependent(self, obj: Object) -> None:
        """Delete what has lost all its owners; take the lost ones off what has others."""
        references = obj.metadata.owner_references
        lost = [reference for reference in references if await self._lost(reference, obj)]
        if not lost:
            return
        if len(lost) == len(references):
            await self._delete(obj, "Background")
        else:
            await self._disown(obj, {reference.uid for reference in lost})

    async def _lost(self, reference: OwnerReference, obj: Object) -> bool:
        """Whether the owner is gone for sure: the mirrors may be behind, so the server is asked."""
        kind = self._scheme.by_kind(reference.api_version, reference.kind)
        if kind is None or kind not in self._queues or self._owner(reference, obj) is not None:
            return False
        key = _key(kind, reference, obj)
        try:
            found = await self._caches.client.get(kind, key.name, namespace=key.namespace)
        except NotFound:
            return True
        return found.metadata.uid != reference.uid

    async def _delete(self, obj: Object, propagation: Propagation) -> None:
        meta = obj.metadata
        if meta.deletion_timestamp is not None:
            return
        with suppress(NotFound):
            await self._caches.client.delete(
                type(obj), meta.name, namespace=meta.namespace, propagation=propagation, uid=meta.uid
            )

    async def _disown(self, obj: Object, uids: set[str]) -> None:
        kept = tuple(one for one in obj.metadata.owner_references if one.uid not in uids)
        await self._write_metadata(obj, {"owner_references": kept})

    async def _without_finalizer(self, obj: Object, finalizer: str) -> None:
        kept = tuple(name for name in obj.metadata.finalizers if name != finalizer)
        await self._write_metadata(obj, {"finalizers": kept})

    async def _write_metadata(self, obj: Object, change: dict[str, object]) -> None:
        meta = obj.metadata.model_copy(update=change)
        with suppress(NotFound):
            await self._caches.client.update(obj.model_copy(update={"metadata": meta}))


def _policy(obj: Object) -> str:
    """Return the finalizer that says what an ending object waits for here; empty if none does."""
    meta = obj.metadata
    if meta.deletion_timestamp is None:
        return ""
    return next((name for name in meta.finalizers if name in {FOREGROUND, ORPHAN}), "")


def _owners_changed(old: Object | None, new: Object) -> bool:
    return old is None or old.metadata.owner_references != new.metadata.owner_references


def _key(kind: type[Object], reference: OwnerReference, dependent: Object) -> Key:
    return Key(dependent.metadata.namespace if kind.definition.namespaced else "", reference.name)


def _blocks(dependent: Object, owner: Object) -> bool:
    references: Iterable[OwnerReference] = dependent.metadata.owner_references
    return any(one.uid == owner.metadata.uid and one.block_owner_deletion for one in references)
