from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from upright.controllers.world.kube_pressure import Pressure
from upright.openapi.errors import Conflict, ServiceUnavailable, TooManyRequests


async def refused(pressure: Pressure, error: Exception) -> None:
    with pytest.raises(type(error)):
        async with pressure.turn():
            raise error


async def test_more_writes_go_at_once_while_the_server_takes_them() -> None:
    pressure = Pressure(first=2, most=3)
    for _ in range(50):
        async with pressure.turn():
            assert pressure.at_once <= 3
    assert pressure.at_once == 3


async def test_half_as_many_go_once_it_is_too_much_and_complaints_about_the_same_count_once() -> None:
    pressure = Pressure(first=8)
    await refused(pressure, TooManyRequests("too many"))
    await refused(pressure, ServiceUnavailable("overloaded"))
    assert pressure.at_once == 4


async def test_a_refusal_of_one_object_says_nothing_about_how_many() -> None:
    pressure = Pressure(first=8)
    await refused(pressure, Conflict("somebody else"))
    assert pressure.at_once == 8


async def test_no_more_than_that_are_under_way() -> None:
    pressure, under_way, most = Pressure(first=3, most=3), [0], [0]

    async def write() -> None:
        async with pressure.turn():
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
            await anyio.lowlevel.checkpoint()
            under_way[0] -= 1

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(write)
    assert most == [3]
