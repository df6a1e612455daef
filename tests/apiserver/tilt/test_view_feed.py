"""The view over a WebSocket: everything first, then what has changed."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import websockets
from websockets.asyncio.client import connect

from tests.apiserver.tilt.conftest import TOKEN, resource
from upright.apiserver.server import Server, Settings
from upright.apiserver.sockets import listen_on_loopback, port_of
from upright.openapi.v1alpha1.resource import Resource

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.apiserver.tilt.conftest import Log
    from upright.apiserver.registry import Registry
    from upright.client.client import Client


@asynccontextmanager
async def serving(registry: Registry, folder: Path) -> AsyncGenerator[Server]:
    sockets = listen_on_loopback("localhost", 0)
    server = Server(registry, sockets, Settings(folder, secure_port=None), now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    async with anyio.create_task_group() as group:
        await group.start(server.serve)
        try:
            with anyio.fail_after(20):
                yield server
        finally:
            group.cancel_scope.cancel()


@asynccontextmanager
async def viewing(server: Server, csrf: str | None = None) -> AsyncGenerator[websockets.ClientConnection]:
    port = port_of(server._plain)
    said = server._front._tilt._visitors.csrf if csrf is None else csrf
    async with connect(f"ws://localhost:{port}/ws/view?csrf={said}", proxy=None) as socket:
        yield socket


async def message(socket: websockets.ClientConnection) -> Any:  # noqa: ANN401  reason: a decoded document
    return json.loads(await socket.recv())


async def test_everything_comes_first_and_then_what_changes(
    registry: Registry, client: Client, log: Log, tmp_path: Path
) -> None:
    log.say("before")
    await client.create(resource("one", 1))
    async with serving(registry, tmp_path) as server:
        server.logs.open(log)
        async with viewing(server) as socket:
            whole = await message(socket)
            assert [one["metadata"]["name"] for one in whole["uiResources"]] == ["one"]
            assert (whole["isComplete"], whole["logList"]["toCheckpoint"]) == (True, 1)
            await client.create(resource("two", 2))
            change = await message(socket)
            assert ([one["metadata"]["name"] for one in change["uiResources"]], "isComplete" in change) == (
                ["two"],
                False,
            )
            assert change["tiltStartTime"] == whole["tiltStartTime"]
            await log.tell("after")
            told = (await message(socket))["logList"]
            assert [one["text"] for one in told["segments"]] == ["after\n"]
            assert (told["fromCheckpoint"], told["toCheckpoint"]) == (1, 2)
            await client.delete(Resource, "one")
            (gone,) = (await message(socket))["uiResources"]
            assert (gone["metadata"]["name"], bool(gone["metadata"]["deletionTimestamp"])) == ("one", True)


async def test_changes_in_quick_succession_are_one_message(registry: Registry, client: Client, tmp_path: Path) -> None:
    async with serving(registry, tmp_path) as server, viewing(server) as socket:
        await message(socket)
        await client.create(resource("zero", 1))
        await message(socket)
        for name in ("a", "b", "c"):
            await client.create(resource(name, 1))
        assert [one["metadata"]["name"] for one in (await message(socket))["uiResources"]] == ["a", "b", "c"]


async def test_logs_that_are_brought_later_are_told(registry: Registry, log: Log, tmp_path: Path) -> None:
    async with serving(registry, tmp_path) as server, viewing(server) as socket:
        assert (await message(socket))["logList"] == {"fromCheckpoint": -1, "toCheckpoint": -1}
        log.say("at last")
        server.logs.open(log)
        assert [one["text"] for one in (await message(socket))["logList"]["segments"]] == ["at last\n"]


async def test_a_websocket_needs_what_was_handed_out_for_it(registry: Registry, tmp_path: Path) -> None:
    async with serving(registry, tmp_path) as server:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with viewing(server, "guess"):
                pass
        assert refused.value.response.status_code == 403
        url = f"ws://localhost:{port_of(server._plain)}/ws/view"
        async with connect(url, additional_headers={"X-Tilt-Token": TOKEN}, proxy=None) as socket:
            assert (await message(socket))["isComplete"]


async def test_a_server_that_stops_says_goodbye(registry: Registry, tmp_path: Path) -> None:
    async with serving(registry, tmp_path) as server, viewing(server) as socket:
        await message(socket)
        server._front.answers.close()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
