"""One turn of a reconcile: what is known of the world, and the ways to change it."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio
import orjson

from upright.controllers.runtime.informer import Informer, key_of
from upright.controllers.runtime.queue import Key
from upright.openapi.errors import NotFound
from upright.openapi.meta import Model, Object, OwnerReference

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from upright.client.client import Client
    from upright.controllers.runtime.tasks import ObjectTasks

T = TypeVar("T", bound=Object)
K = TypeVar("K", bound=Object)
APPLIED = "tilt.dev/applied-hash"
"""The annotation with the hash of what an owner last applied; while its wish is the same, a user's change stays."""
WRITES_AT_ONCE = 64
WISHES_REMEMBERED = 8192


class Caches:
    """The mirrors of all kinds that some controller asked for. ``clean`` is what each status goes through before it is written."""

    def __init__(self, client: Client, clean: Callable[[Model], Model] | None = None) -> None:
        self.client = client
        self._clean = clean
        self._informers: dict[type[Object], Informer[Object]] = {}
        self._wished: dict[tuple[type[Object], Key], tuple[Object, str]] = {}

    def of(self, kind: type[K]) -> Informer[K]:
        """Return the kind's mirror, made at the first asking (before the manager runs)."""
        if kind not in self._informers:
            self._informers[kind] = Informer[Object](self.client, kind)
        return self._informers[kind]  # type: ignore[return-value]  # the table holds each kind under itself

    def __iter__(self) -> Iterator[Informer[Object]]:
        return iter(self._informers.values())

    async def write_status(self, obj: Object, wanted: Model) -> None:
        """Have this status, if it is not the one that the object has."""
        before = getattr(obj, "status", None)
        if wanted == before:
            return
        status = self._clean(wanted) if self._clean is not None else wanted
        if status != before:
            changed = obj.model_copy(update={"status": status})
            self.of(type(obj)).observe(await self.client.update_status(changed))

    def hash_of_wish(self, obj: Object) -> str:
        """Return the hash of all but the status; what was wished the last time, as most wishes are, is not hashed again."""
        key = (type(obj), key_of(obj))
        last, wished = self._wished.get(key, (None, ""))
        if last == obj:
            return wished
        wire = obj.to_wire()
        wire.pop("status", None)
        wished = hashlib.sha256(orjson.dumps(wire, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        if len(self._wished) >= WISHES_REMEMBERED:
            self._wished.clear()
        self._wished[key] = (obj, wished)
        return wished

    def get(self, kind: type[K], name: str, namespace: str = "") -> K | None:
        return self.of(kind).get(Key(namespace, name))


class Turn(Generic[T]):
    """What one reconcile sees and may do. Reads are from mirrors and do not wait; writes do."""

    def __init__(self, obj: T, caches: Caches, tasks: ObjectTasks, now: datetime) -> None:
        self.obj = obj
        self.now = now
        self.tasks = tasks
        self.client = caches.client
        self._caches = caches

    def get(self, kind: type[K], name: str, namespace: str = "") -> K | None:
        """Return the object as last seen, or None."""
        return self._caches.get(kind, name, namespace)

    def all(self, kind: type[K]) -> list[K]:
        """Return all objects of the kind as last seen."""
        return list(self._caches.of(kind).all())

    def owned(self, kind: type[K]) -> list[K]:
        """Return the objects of the kind that this turn's object owns."""
        return list(self._caches.of(kind).owned_by(self.obj.metadata.uid))

    async def apply(self, objects: Iterable[Object], *, prune: Iterable[type[Object]] = ()) -> None:
        """Have these objects, owned by this turn's object: create what is missing, update what the owner changed.

        Owned objects of the kinds in ``prune`` that are not among them are deleted. What a user changed stays
        until the owner itself wants something else.
        """
        wanted = [self._adopt(obj) for obj in objects]
        names = {(type(obj), key_of(obj)) for obj in wanted}
        surplus = [old for kind in prune for old in self.owned(kind) if (kind, key_of(old)) not in names]
        writes = [partial(self._write, obj) for obj in wanted if self._differs(obj)]
        writes += [partial(self._delete, old) for old in surplus if old.metadata.deletion_timestamp is None]
        await _all(writes)

    def _adopt(self, obj: K) -> K:
        """Return the object with this turn's object as its owner and the hash of what is wished."""
        me = self.obj
        owner = OwnerReference(
            api_version=me.definition.api_version,
            kind=me.definition.kind,
            name=me.metadata.name,
            uid=me.metadata.uid,
            controller=True,
            block_owner_deletion=True,
        )
        wished = self._caches.hash_of_wish(obj)
        meta = obj.metadata.model_copy(
            update={
                "owner_references": (owner,),
                "annotations": {**obj.metadata.annotations, APPLIED: wished},
            }
        )
        return obj.model_copy(update={"metadata": meta})

    def _differs(self, obj: Object) -> bool:
        there = self._caches.of(type(obj)).get(key_of(obj))
        return there is None or there.metadata.annotations.get(APPLIED) != obj.metadata.annotations[APPLIED]

    async def _write(self, obj: Object) -> None:
        informer = self._caches.of(type(obj))
        there = informer.get(key_of(obj))
        if there is None:
            informer.observe(await self.client.create(obj))
            return
        meta = there.metadata.model_copy(
            update={
                "labels": {**there.metadata.labels, **obj.metadata.labels},
                "annotations": {**there.metadata.annotations, **obj.metadata.annotations},
                "owner_references": obj.metadata.owner_references,
            }
        )
        informer.observe(await self.client.update(obj.model_copy(update={"metadata": meta})))

    async def _delete(self, old: Object) -> None:
        meta = old.metadata
        with suppress(NotFound):
            await self.client.delete(type(old), meta.name, namespace=meta.namespace, uid=meta.uid)


async def _all(writes: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Do the writes, many at once; the first error is raised when all have ended."""
    if len(writes) <= 1:
        for write in writes:
            await write()
        return
    errors: list[Exception] = []
    limit = anyio.Semaphore(WRITES_AT_ONCE)

    async def one(write: Callable[[], Awaitable[None]]) -> None:
        async with limit:
            try:
                await write()
            except Exception as error:  # noqa: BLE001  reason: the first is raised below, as itself and not in a group
                errors.append(error)

    async with anyio.create_task_group() as group:
        for write in writes:
            group.start_soon(one, write)
    if errors:
        raise errors[0]
