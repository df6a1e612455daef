"""What runs for an object beside its reconcile: at most one task for each key and purpose, all with a parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from anyio.abc import TaskGroup

    from upright.controllers.runtime.queue import Key

R = TypeVar("R")


class TaskView(Struct, Generic[R]):
    """A task as its controller sees it; ``value`` is what it last reported, ``result`` what it returned."""

    cause: Hashable
    value: Any = None  # Any: the controller knows what its task reports
    result: R | None = None
    error: BaseException | None = None
    done: bool = False


class _Running(Struct):
    view: TaskView[Any]  # Any: tasks of many result types share the table
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    over: anyio.Event = field(default_factory=anyio.Event)


class Tasks:
    """All tasks of one controller, by object and purpose."""

    def __init__(self, group: TaskGroup, wake: Callable[[Key], None]) -> None:
        self._group = group
        self._wake = wake
        self._running: dict[Key, dict[str, _Running]] = {}

    def of(self, key: Key) -> ObjectTasks:
        """Return the tasks of one object."""
        return ObjectTasks(self, key)

    def ensure(
        self, key: Key, purpose: str, cause: Hashable, run: Callable[[Callable[[Any], None]], Awaitable[R]]
    ) -> TaskView[R]:
        """Have one task for the purpose: the same cause leaves it, a new cause ends the old one first."""
        theirs = self._running.setdefault(key, {})
        old = theirs.get(purpose)
        if old is not None and old.view.cause == cause:
            return old.view
        new = _Running(TaskView[R](cause))
        theirs[purpose] = new
        self._group.start_soon(self._run, key, new, old, run)
        return new.view

    def get(self, key: Key, purpose: str) -> TaskView[Any] | None:  # Any: the controller knows what its task reports
        found = self._running.get(key, {}).get(purpose)
        return found.view if found else None

    async def end(self, key: Key, purpose: str) -> None:
        """End the task, if there is one, and wait for it."""
        found = self._running.get(key, {}).pop(purpose, None)
        if found:
            found.scope.cancel()
            await found.over.wait()

    async def end_all(self, key: Key) -> None:
        """End all tasks of the object at once, and wait for them."""
        theirs = self._running.pop(key, {})
        for found in theirs.values():
            found.scope.cancel()
        for found in theirs.values():
            await found.over.wait()

    async def _run(
        self,
        key: Key,
        entry: _Running,
        old: _Running | None,
        run: Callable[[Callable[[Any], None]], Awaitable[Any]],
    ) -> None:
        if old is not None:
            old.scope.cancel()
            with anyio.CancelScope(shield=True):
                await old.over.wait()

        def report(value: Any) -> None:  # noqa: ANN401  reason: the controller knows what its task reports
            entry.view.value = value
            self._wake(key)

        try:
            with entry.scope:
                entry.view.result = await run(report)
        except Exception as error:  # noqa: BLE001  reason: the controller reads it from the view and decides
            entry.view.error = error
        finally:
            entry.view.done = True
            entry.over.set()
            if not entry.scope.cancel_called:
                self._wake(key)


class ObjectTasks:
    """The tasks of one object, as its reconcile sees them."""

    def __init__(self, tasks: Tasks, key: Key) -> None:
        self._tasks = tasks
        self._key = key

    def ensure(
        self, purpose: str, cause: Hashable, run: Callable[[Callable[[Any], None]], Awaitable[R]]
    ) -> TaskView[R]:
        """Have one task for the purpose: the same cause leaves it (also when it is over), a new cause replaces it.

        ``run`` gets ``report``: calling it stores a value in the view and wakes the object; so does ending.
        """
        return self._tasks.ensure(self._key, purpose, cause, run)

    def get(self, purpose: str) -> TaskView[Any] | None:  # Any: the controller knows what its task reports
        return self._tasks.get(self._key, purpose)

    async def end(self, purpose: str) -> None:
        """End the task, if there is one, and wait for it."""
        await self._tasks.end(self._key, purpose)
