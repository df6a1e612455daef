"""Programs wait for objects in the words of the command line, or by a predicate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from upright.apiserver.inprocess import InProcess
from upright.client.client import Client
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import Cmd, CmdRunning, CmdSpec, CmdStatus
from upright.openapi.v1alpha1.ui_resource import UIResource

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from upright.apiserver.registry import Registry


@pytest.fixture
def client(registry: Registry) -> Client:
    return Client(InProcess(registry))


def cmd(name: str) -> Cmd:
    return Cmd(metadata=ObjectMeta(name=name), spec=CmdSpec(args=("true",)))


async def meanwhile(waiting: Awaitable[object], *acts: Awaitable[object]) -> list[object]:
    """Act while somebody waits; return what that one got."""
    got: list[object] = []

    async def wait() -> None:
        got.append(await waiting)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            for act in acts:
                await anyio.lowlevel.checkpoint()
                await act
    return got


async def test_what_is_so_already_is_returned_at_once(client: Client) -> None:
    made = await client.create(cmd("a"))
    assert await client.wait(Cmd, "a", "create") == made
    assert await client.wait(Cmd, "a", lambda one: one.spec.args == ("true",)) == made
    await client.wait_gone(Cmd, "b")


async def test_a_predicate_is_asked_of_each_version_also_of_what_is_made_meanwhile(client: Client) -> None:
    ready = CmdStatus(ready=True, running=CmdRunning(pid=1))

    async def start() -> None:
        made = await client.create(cmd("a"))
        await client.update_status(made.model_copy(update={"status": ready}))

    (got,) = await meanwhile(client.wait(Cmd, "a", lambda one: one.status.ready), start())
    assert isinstance(got, Cmd)
    assert got.status == ready


async def test_a_path_and_the_end_can_be_waited_for(client: Client) -> None:
    made = await client.create(cmd("a"))
    ready = made.model_copy(update={"status": CmdStatus(ready=True)})
    (got,) = await meanwhile(client.wait(Cmd, "a", "jsonpath={.status.ready}=true"), client.update_status(ready))
    assert isinstance(got, Cmd)
    assert await meanwhile(client.wait_gone(Cmd, "a"), client.delete(Cmd, "a")) == [None]


async def test_out_of_time_says_how_far_it_is(client: Client) -> None:
    with pytest.raises(TimeoutError, match=r"cmds/a is not as wanted after 0.01 s: .*: there is no such object"):
        await client.wait(Cmd, "a", "create", timeout=0.01)
    await client.create(cmd("a"))
    with pytest.raises(TimeoutError, match="the condition Ready: it has no such condition"):
        await client.wait(Cmd, "a", "condition=Ready", timeout=0.01)
    with pytest.raises(TimeoutError, match="what was asked: it is "):
        await client.wait(Cmd, "a", lambda one: one.status.ready, timeout=0.01)
    with pytest.raises(TimeoutError, match="its end"):
        await client.wait_gone(Cmd, "a", timeout=0.01)


async def test_what_cannot_be_understood_is_a_value_error(client: Client) -> None:
    with pytest.raises(ValueError, match="did you mean"):
        await client.wait(UIResource, "a", "conditoin=Ready")
    with pytest.raises(ValueError, match="wait_gone"):
        await client.wait(UIResource, "a", "delete")
