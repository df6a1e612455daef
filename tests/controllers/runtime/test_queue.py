"""The queue's promises, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import looptime
import pytest

from upright.controllers.runtime.queue import FIRST_RETRY_SECONDS, Key, Queue

if TYPE_CHECKING:
    from collections.abc import Callable

A, B = Key("", "a"), Key("", "b")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Callable[[], Any]]]:
    return "asyncio", {"loop_factory": lambda: looptime.new_event_loop(start=0)}


async def test_a_key_added_twice_is_handed_out_once() -> None:
    queue = Queue()
    queue.add(A)
    queue.add(A)
    queue.add(B)
    assert [await queue.get(), await queue.get()] == [A, B]
    assert len(queue) == 0


async def test_a_key_added_while_worked_on_waits_for_done() -> None:
    queue = Queue()
    queue.add(A)
    assert await queue.get() == A
    queue.add(A)
    with anyio.move_on_after(1) as scope:
        await queue.get()
    assert scope.cancelled_caught
    queue.done(A)
    assert await queue.get() == A


async def test_a_key_put_off_comes_when_it_is_due_and_not_before() -> None:
    queue = Queue()
    begun = anyio.current_time()
    queue.add_after(A, 5)
    queue.add_after(A, 3)
    queue.add_after(A, 9)
    assert await queue.get() == A
    assert anyio.current_time() - begun == pytest.approx(3, abs=0.01)
    queue.done(A)
    with anyio.move_on_after(20) as scope:
        await queue.get()
    assert scope.cancelled_caught


async def test_pauses_grow_with_each_failure_until_forgotten() -> None:
    queue = Queue()
    assert [queue.retry(A) for _ in range(3)] == [FIRST_RETRY_SECONDS * f for f in (1, 2, 4)]
    queue.forget(A)
    assert queue.retry(A) == FIRST_RETRY_SECONDS


async def test_an_add_wakes_a_worker_that_waits_for_something_later() -> None:
    queue = Queue()
    queue.add_after(A, 60)
    got: list[Key] = []

    async def work() -> None:
        got.append(await queue.get())

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await anyio.wait_all_tasks_blocked()
        queue.add(B)
    assert got == [B]
