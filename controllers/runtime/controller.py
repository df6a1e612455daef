"""A controller: one verb, reconcile, called with a key whenever something that concerns it has changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from msgspec import Struct

from upright.controllers.runtime.informer import key_of
from upright.controllers.runtime.queue import Key, Queue
from upright.controllers.runtime.tasks import Tasks
from upright.controllers.runtime.turn import Caches, Turn
from upright.openapi.errors import AlreadyExists, Conflict, InternalError, NotFound
from upright.openapi.meta import Object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from anyio.abc import TaskGroup

    from upright.openapi.meta import Model

T = TypeVar("T", bound=Object)
WORKERS = 8

_log = logging.getLogger(__name__)


class Terminal(Exception):
    """What failed will fail again: it is told once and not retried."""


class Outcome(Struct, frozen=True):
    """What a reconcile comes to: the status to have (None: as it is) and when to look again, in seconds (None: on news)."""

    status: Model | None = None
    after: float | None = None


class Watch(Struct, frozen=True):
    """A further kind to hear of: ``keys`` says which of the controller's objects a change of one concerns."""

    kind: type[Object]
    keys: Callable[[Object], Iterable[Key]]


class Controller(Generic[T]):
    """Brings objects of ``kind`` towards their spec. Subclasses have ``kind`` and ``reconcile``.

    ``owns``: kinds whose changes wake their owner. ``watches``: further kinds. ``finalizer``: if set, an object is
    kept until ``finalize`` returned; then the runtime lets it go. Nothing that matters is kept in memory.
    ``heeds_status`` False: a change of nothing but the object's status, which is its own doing, does not wake it.
    ``gives_up_after``: so many errors of ours in a row end the whole process, for nobody else can do this one's work.
    The runtime sets ``caches`` (the mirrors) and ``wake`` (has a key reconciled) before it starts.
    """

    kind: ClassVar[type[Object]]
    owns: ClassVar[tuple[type[Object], ...]] = ()
    reads: ClassVar[tuple[type[Object], ...]] = ()
    finalizer: ClassVar[str] = ""
    workers: ClassVar[int] = WORKERS
    heeds_status: ClassVar[bool] = True
    gives_up_after: ClassVar[int] = 0
    caches: Caches
    wake: Callable[[Key], None]

    def watches(self) -> Iterable[Watch]:
        """Return the further kinds to hear of."""
        return ()

    async def reconcile(self, turn: Turn[T]) -> Outcome:
        """Look at the object, decide, act; return the status it should have."""
        raise NotImplementedError

    async def finalize(self, turn: Turn[T]) -> None:
        """Undo what was done outside for an object that is going; its tasks have ended."""
        del turn


class Loop(Generic[T]):
    """Runs one controller: its queue, its workers, its tasks."""

    def __init__(self, controller: Controller[T], caches: Caches, clock: Callable[[], datetime]) -> None:
        self.controller = controller
        self.queue = Queue()
        self._caches = caches
        self._clock = clock
        self._tasks: Tasks | None = None
        self._errors = 0
        self._said: set[str] = set()
        self._finalized: dict[Key, str] = {}
        controller.caches = caches
        controller.wake = self.queue.add
        self._subscribe()

    def _subscribe(self) -> None:
        me = self.controller
        self._caches.of(me.kind).subscribe(self._heard_mine)
        for kind in me.owns:
            self._hear(Watch(kind, self._owners))
        for kind in me.reads:
            self._caches.of(kind)
        for watch in me.watches():
            self._hear(watch)

    def _heard_mine(self, old: Object | None, new: Object | None) -> None:
        changed = new or old
        if changed is None or (old is not None and new is not None and self._only_status(old, new)):
            return
        self.queue.add(key_of(changed))

    def _only_status(self, old: Object, new: Object) -> bool:
        if self.controller.heeds_status or old.metadata.generation != new.metadata.generation:
            return False
        was, now = old.metadata, new.metadata
        return (was.uid, was.deletion_timestamp, was.annotations, was.labels, was.finalizers, was.owner_references) == (
            now.uid,
            now.deletion_timestamp,
            now.annotations,
            now.labels,
            now.finalizers,
            now.owner_references,
        )

    def _hear(self, watch: Watch) -> None:
        def heard(old: Object | None, new: Object | None) -> None:
            for obj in (old, new):
                if obj is not None:
                    for key in watch.keys(obj):
                        self.queue.add(key)

        self._caches.of(watch.kind).subscribe(heard)

    def _owners(self, obj: Object) -> Iterable[Key]:
        about = self.controller.kind.definition
        for owner in obj.metadata.owner_references:
            if owner.kind == about.kind and owner.api_version == about.api_version:
                yield Key(obj.metadata.namespace if about.namespaced else "", owner.name)

    def start(self, group: TaskGroup) -> None:
        """Start the workers in the group; the mirrors are in by now."""
        self._tasks = Tasks(group, self.queue.add)
        for _ in range(self.controller.workers):
            group.start_soon(self._work, self._tasks)

    async def _work(self, tasks: Tasks) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._turn(key, tasks)
            except (Conflict, AlreadyExists, NotFound):
                self.queue.retry(key)
            except Terminal:
                _log.exception("%s %s: not tried again", self.controller.kind.__name__, key.name)
            except Exception as error:
                pause = self.queue.retry(key)
                self._errors += 1
                if self._errors == self.controller.gives_up_after:
                    raise
                self._tell(key, error, pause)
            finally:
                self.queue.done(key)

    def _tell(self, key: Key, error: Exception, pause: float) -> None:
        """Log a turn that failed; what the server, or its database, cannot do is said once: where it was raised tells nothing."""
        about = (self.controller.kind.__name__, key.name)
        if not isinstance(error, InternalError):
            _log.error("%s %s: again in %.2f s", *about, pause, exc_info=error)
        elif str(error) not in self._said:
            self._said.add(str(error))
            _log.error("%s %s: %s", *about, error)

    async def _turn(self, key: Key, tasks: Tasks) -> None:
        obj = self._caches.of(self.controller.kind).get(key)
        if obj is None:
            await tasks.end_all(key)
            self.queue.forget(key)
            self._finalized.pop(key, None)
            return
        turn = Turn[T](obj, self._caches, tasks.of(key), self._clock())  # type: ignore[arg-type]  # of this controller's kind
        if self.controller.finalizer and await self._finalizer(turn, key, tasks):
            return
        outcome = await self.controller.reconcile(turn)
        if outcome.status is not None:
            self._errors = 0
            await self._caches.write_status(obj, outcome.status)
        self.queue.forget(key)
        if outcome.after is not None:
            self.queue.add_after(key, outcome.after)

    async def _finalizer(self, turn: Turn[T], key: Key, tasks: Tasks) -> bool:
        """Hold on to a living object, or finish a going one; True if there is nothing more to do in this turn."""
        meta = turn.obj.metadata
        mine = self.controller.finalizer
        if meta.deletion_timestamp is None:
            if mine not in meta.finalizers:
                await self._set_finalizers(turn.obj, (*meta.finalizers, mine))
                return True
            return False
        await tasks.end_all(key)
        if mine in meta.finalizers:
            if self._finalized.get(key) != meta.uid:
                await self.controller.finalize(turn)
                self._finalized[key] = meta.uid  # the mirror may be behind: what was done is not done again
            await self._set_finalizers(turn.obj, tuple(name for name in meta.finalizers if name != mine))
        return True

    async def _set_finalizers(self, obj: Object, finalizers: tuple[str, ...]) -> None:
        meta = obj.metadata.model_copy(update={"finalizers": finalizers})
        stored = await self._caches.client.update(obj.model_copy(update={"metadata": meta}))
        if finalizers or not stored.metadata.deletion_timestamp:
            self._caches.of(self.controller.kind).observe(stored)
