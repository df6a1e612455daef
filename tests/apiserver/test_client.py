"""The client's verbs are the same by both roads to a server: in its process, and over HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.apiserver.test_server import serving
from upright.apiserver.inprocess import InProcess
from upright.client import kubeconfig
from upright.client.client import Client
from upright.client.over_http import OverHttp
from upright.openapi.errors import AlreadyExists, Conflict, Invalid, NotFound
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import Cmd, CmdRunning, CmdSpec, CmdStatus
from upright.openapi.v1alpha1.config_map import ConfigMap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from upright.apiserver.registry import Registry
    from upright.client.client import Change


@pytest.fixture(params=["in process", "over HTTPS"])
async def client(request: pytest.FixtureRequest, registry: Registry, tmp_path: Path) -> AsyncIterator[Client]:
    if request.param == "in process":
        yield Client(InProcess(registry))
        return
    async with serving(registry, tmp_path) as server:
        access = kubeconfig.read(await server.secured())
        async with OverHttp.open(access, patience=0.5) as transport:
            yield Client(transport)


def cmd(name: str, *args: str, labels: dict[str, str] | None = None) -> Cmd:
    return Cmd(metadata=ObjectMeta(name=name, labels=labels or {}), spec=CmdSpec(args=args or ("true",)))


async def test_an_object_can_be_created_read_changed_and_deleted(client: Client) -> None:
    created = await client.create(cmd("(Tiltfile)", "echo", "a:update"))
    assert created.metadata.uid
    assert created.metadata.creation_timestamp
    assert (created.metadata.resource_version, created.metadata.generation) == ("1", 1)
    assert await client.get(Cmd, "(Tiltfile)") == created

    updated = await client.update(created.model_copy(update={"spec": CmdSpec(args=("false",))}))
    assert (updated.metadata.generation, updated.spec.args) == (2, ("false",))

    running = updated.model_copy(update={"status": CmdStatus(running=CmdRunning(pid=7)), "spec": CmdSpec()})
    assert (await client.update_status(running)).spec.args == ("false",)
    told = await client.get(Cmd, "(Tiltfile)")
    assert (told.status.running, told.spec.args, told.metadata.generation) == (CmdRunning(pid=7), ("false",), 2)

    patched = await client.patch(told, {"metadata": {"labels": {"a": "b"}}, "status": {"ready": True}})
    assert (patched.metadata.labels, patched.status.ready, patched.metadata.generation) == ({"a": "b"}, False, 2)

    await client.delete(Cmd, "(Tiltfile)", uid=created.metadata.uid)
    with pytest.raises(NotFound, match=r'cmds.tilt.dev "\(Tiltfile\)" not found'):
        await client.get(Cmd, "(Tiltfile)")


async def test_errors_come_as_the_same_class(client: Client) -> None:
    created = await client.create(cmd("a"))
    with pytest.raises(AlreadyExists):
        await client.create(cmd("a"))
    await client.update(created.model_copy(update={"spec": CmdSpec(args=("x",))}))
    with pytest.raises(Conflict):
        await client.update(created.model_copy(update={"spec": CmdSpec(args=("y",))}))
    with pytest.raises(Conflict):
        await client.delete(Cmd, "a", uid="another")
    with pytest.raises(Invalid, match=r"spec.args: Required value"):
        await client.create(Cmd(metadata=ObjectMeta(name="b")))
    with pytest.raises(NotFound):
        await client.delete(Cmd, "b")


async def test_an_update_returns_what_is_stored_with_the_status_that_stays(client: Client) -> None:
    created = await client.create(cmd("a"))
    running = await client.update_status(created.model_copy(update={"status": CmdStatus(running=CmdRunning(pid=7))}))
    changed = running.model_copy(update={"spec": CmdSpec(args=("false",)), "status": CmdStatus()})
    assert (await client.update(changed)).status.running == CmdRunning(pid=7)


async def test_an_equal_update_is_no_write(client: Client) -> None:
    created = await client.create(cmd("a"))
    assert (await client.update(created)).metadata.resource_version == created.metadata.resource_version
    assert (await client.update_status(created)).metadata.resource_version == created.metadata.resource_version


async def test_a_kind_without_status_keeps_its_data(client: Client) -> None:
    created = await client.create(ConfigMap(metadata=ObjectMeta(name="a"), data={"x": "1"}))
    updated = await client.update(created.model_copy(update={"data": {"x": "2"}}))
    assert updated.data == {"x": "2"}


async def test_a_list_has_the_revision_to_watch_from(client: Client) -> None:
    await client.create(cmd("b"))
    await client.create(cmd("a", labels={"x": "y"}))
    listing = await client.list(Cmd)
    assert [item.name for item in listing.items] == ["a", "b"]
    assert listing.resource_version == "2"
    assert [item.name for item in (await client.list(Cmd, label_selector="x=y")).items] == ["a"]
    async with client.watch(Cmd, resource_version=listing.resource_version) as changes:
        await client.create(cmd("c"))
        change: Change[Cmd] = await anext(changes)
    assert (change.type, change.object and change.object.name, change.resource_version) == ("ADDED", "c", "3")


async def test_a_watch_without_a_revision_begins_with_what_is_there(client: Client) -> None:
    await client.create(cmd("a"))
    async with client.watch(Cmd) as changes:
        first = await anext(changes)
        await client.delete(Cmd, "a")
        second = await anext(changes)
    assert [(change.type, change.resource_version) for change in (first, second)] == [("ADDED", "1"), ("DELETED", "2")]


async def test_a_watch_that_waits_can_be_cancelled(client: Client) -> None:
    async with client.watch(Cmd) as changes:
        with anyio.move_on_after(0.01) as scope:
            await anext(changes)
    assert scope.cancelled_caught
