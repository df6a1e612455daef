"""Watches go on over connections that break; the server is a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from upright.apiserver.inprocess import InProcess
from upright.client.client import Client
from upright.client.over_http import OverHttp
from upright.openapi.errors import Expired, ServiceUnavailable, Unauthorized
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import Cmd, CmdSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.client.conftest import Far, Road
    from upright.apiserver.registry import Registry
    from upright.client.client import Change

PATIENCE_SECONDS = 20.0


def cmd(name: str, *, label: str = "x") -> Cmd:
    return Cmd(metadata=ObjectMeta(name=name, labels={"for": label}), spec=CmdSpec(args=("true",)))


@pytest.fixture
def near(registry: Registry) -> Client:
    """A client whose connection nobody cuts."""
    return Client(InProcess(registry))


@pytest.fixture
async def client(far: Far, road: Road) -> AsyncIterator[Client]:
    """A client on the road."""
    access = far.access._replace(server=f"https://127.0.0.1:{road.port}")
    async with OverHttp.open(access, patience=0.5) as transport:
        yield Client(transport)


async def heard(changes: AsyncIterator[Change[Cmd]], count: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    with anyio.fail_after(PATIENCE_SECONDS):
        while len(found) < count:
            change = await anext(changes)
            found.append((change.type, change.object.name if change.object else ""))
    return found


async def test_a_watch_goes_on_where_its_connection_was_cut(client: Client, near: Client, road: Road) -> None:
    await near.create(cmd("a"))
    async with client.watch(Cmd) as changes:
        assert await heard(changes, 1) == [("ADDED", "a")]
        for name in ("b", "c"):
            await road.cut()
            await near.create(cmd(name))
            assert await heard(changes, 1) == [("ADDED", name)]
        await road.cut()
        await near.delete(Cmd, "a")
        await near.create(cmd("d"))
        assert await heard(changes, 2) == [("DELETED", "a"), ("ADDED", "d")]


async def test_nothing_of_the_beginning_is_lost_if_the_connection_is_cut_in_its_middle(
    client: Client, near: Client, road: Road
) -> None:
    for name in ("c", "b", "a"):  # the last by name is the oldest: its version is no place to go on from
        await near.create(cmd(name))
    async with client.watch(Cmd) as changes:
        assert await heard(changes, 1) == [("ADDED", "a")]
        await road.cut()
        await near.create(cmd("d"))
        assert await heard(changes, 3) == [("ADDED", "b"), ("ADDED", "c"), ("ADDED", "d")]


async def test_a_forgotten_past_is_said_and_told_anew(client: Client, near: Client, road: Road) -> None:
    await near.create(cmd("a"))
    async with client.watch(Cmd) as changes:
        await heard(changes, 1)
        road.closed = True
        await road.cut()
        for number in range(30):
            await near.create(cmd(f"m{number}"))
            await near.delete(Cmd, f"m{number}")
        await near.create(cmd("b"))
        road.closed = False
        assert await heard(changes, 3) == [("RELISTED", ""), ("ADDED", "a"), ("ADDED", "b")]
        await near.create(cmd("c"))
        assert await heard(changes, 1) == [("ADDED", "c")]


async def test_a_watch_from_a_forgotten_version_begins_anew(near: Client) -> None:
    for number in range(30):
        await near.create(cmd(f"m{number:02}"))
    async with near.watch(Cmd, resource_version="1") as changes:
        assert (await heard(changes, 2)) == [("RELISTED", ""), ("ADDED", "m00")]
    with pytest.raises(Expired):
        async with near.watch(Cmd, resource_version="1", resume=False):
            pytest.fail("it is not opened")


async def test_a_watch_that_is_not_to_resume_ends_with_its_connection(client: Client, near: Client, road: Road) -> None:
    await near.create(cmd("a"))
    async with client.watch(Cmd, resume=False) as changes:
        await heard(changes, 1)
        await road.cut()
        with pytest.raises(ServiceUnavailable):
            await heard(changes, 1)


async def test_a_server_that_stays_away_ends_the_watch(client: Client, road: Road) -> None:
    async with client.watch(Cmd, patience=0.3) as changes:
        road.closed = True
        await road.cut()
        with pytest.raises(ServiceUnavailable, match=r"watch of cmds broke and could not be resumed for 0\.3 s"):
            await heard(changes, 1)


async def test_a_server_that_is_not_there_is_not_waited_for_longer_than_was_said(far: Far, road: Road) -> None:
    road.closed = True
    access = far.access._replace(server=f"https://127.0.0.1:{road.port}")
    async with OverHttp.open(access, patience=1000) as transport:
        with anyio.fail_after(PATIENCE_SECONDS), pytest.raises(ServiceUnavailable, match=r"for 0\.3 s"):
            async with Client(transport).watch(Cmd, patience=0.3):
                pytest.fail("the watch is not opened")


async def test_what_waiting_does_not_mend_is_raised_at_once(far: Far) -> None:
    async with OverHttp.open(far.access._replace(token="another")) as transport:
        with pytest.raises(Unauthorized):
            async with Client(transport).watch(Cmd):
                pytest.fail("the watch is not opened")


async def test_only_what_the_labels_select_is_watched(near: Client) -> None:
    await near.create(cmd("a", label="y"))
    async with near.watch(Cmd, label_selector="for=x") as changes:
        await near.create(cmd("b", label="y"))
        await near.create(cmd("c"))
        assert await heard(changes, 1) == [("ADDED", "c")]


async def test_waiting_goes_on_over_a_cut_and_a_forgotten_past(client: Client, near: Client, road: Road) -> None:
    await near.create(cmd("a"))
    found: list[Cmd] = []
    asked = anyio.Event()

    def is_z(one: Cmd) -> bool:
        asked.set()
        return one.metadata.labels.get("for") == "z"

    async def wait() -> None:
        found.append(await client.wait(Cmd, "a", is_z, timeout=20))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await asked.wait()
        road.closed = True
        await road.cut()
        for number in range(30):
            await near.create(cmd(f"m{number}"))
        await near.patch(cmd("a"), {"metadata": {"labels": {"for": "z"}}})
        road.closed = False
    assert found[0].metadata.labels == {"for": "z"}
