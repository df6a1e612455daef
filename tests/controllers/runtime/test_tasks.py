"""What runs beside a reconcile: one task a purpose, a new cause replaces it, all are waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from upright.controllers.runtime.queue import Key
from upright.controllers.runtime.tasks import Tasks

KEY = Key("", "a")
Run = Callable[[Callable[[Any], None]], Awaitable[str]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def sleeper(told: list[str], name: str) -> Run:
    async def run(report: Callable[[Any], None]) -> str:
        told.append(f"{name} begins")
        report(name)
        try:
            await anyio.sleep_forever()
        finally:
            told.append(f"{name} ends")
        return name

    return run


async def test_the_same_cause_leaves_the_task_and_a_new_one_replaces_it() -> None:
    told: list[str] = []
    woken: list[Key] = []
    async with anyio.create_task_group() as group:
        tasks = Tasks(group, woken.append)
        first = tasks.ensure(KEY, "run", 1, sleeper(told, "one"))
        assert tasks.ensure(KEY, "run", 1, sleeper(told, "again")) is first
        await anyio.wait_all_tasks_blocked()
        assert first.value == "one"
        second = tasks.ensure(KEY, "run", 2, sleeper(told, "two"))
        await anyio.wait_all_tasks_blocked()
        assert told == ["one begins", "one ends", "two begins"]
        assert first.done
        assert not second.done
        await tasks.end_all(KEY)
    assert told[-1] == "two ends"


async def test_ending_and_failing_wake_the_object_and_stay_readable() -> None:
    woken: list[Key] = []

    async def fails(report: Callable[[Any], None]) -> str:
        del report
        message = "no luck"
        raise ValueError(message)

    async with anyio.create_task_group() as group:
        tasks = Tasks(group, woken.append)
        view = tasks.ensure(KEY, "run", 1, fails)
        await anyio.wait_all_tasks_blocked()
        assert view.done
        assert str(view.error) == "no luck"
        assert woken == [KEY]
