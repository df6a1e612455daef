"""Subresources on real sockets: text that goes on, and channels over a WebSocket as kubectl speaks them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from upright.apiserver.options import Target
from upright.apiserver.server import Server, Settings
from upright.apiserver.sockets import listen_on_loopback, port_of
from upright.openapi.core_v1.namespace import Namespace
from upright.openapi.core_v1.pod import Pod
from upright.openapi.errors import Conflict, NotFound
from upright.openapi.subresources import STDERR, STDIN, STDOUT, Ask, Channels, Sink, Subresources, exit_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from upright.apiserver.registry import Registry

    Running = Callable[[Subresources], Awaitable[Server]]

NOW = datetime(2026, 11, 23, tzinfo=UTC)
EXEC = "/api/v1/namespaces/default/pods/web/exec"
LOG = "/api/v1/namespaces/default/pods/web/log"


@pytest.fixture
async def running(registry: Registry, tmp_path: Path) -> AsyncIterator[Running]:
    """Start a server that has one pod."""
    async with anyio.create_task_group() as group:

        async def start(subresources: Subresources) -> Server:
            space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
            await registry.create(Target(Namespace), space)
            container = {"name": "main", "image": "web"}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [container]}}
            await registry.create(Target(Pod, "default"), pod)
            plain = listen_on_loopback("127.0.0.1", 0)
            settings = Settings(tmp_path, secure_port=None)
            server = Server(registry, plain, settings, now=lambda: NOW, subresources=subresources)
            await group.start(server.serve)
            return server

        yield start
        group.cancel_scope.cancel()


def _socket(server: Server, path: str, *protocols: str, token: str = "") -> connect:
    port = port_of(server._plain)
    held = {"Authorization": f"Bearer {token or server.tokens.admin}"}
    offered = [Subprotocol(name) for name in protocols] or None
    return connect(f"ws://127.0.0.1:{port}{path}", subprotocols=offered, additional_headers=held, proxy=None)


async def _ask(server: Server, path: str) -> tuple[int, bytes]:
    stream = await anyio.connect_tcp("127.0.0.1", port_of(server._plain))
    async with stream:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        await stream.send(f"{request}Authorization: Bearer {server.tokens.reader}\r\n\r\n".encode())
        answer = b"".join([chunk async for chunk in stream])
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


async def shell(ask: Ask, channels: Channels) -> None:
    """Say what was asked, echo stdin until its end, exit with 7."""
    await channels.send(STDOUT, " ".join(ask.query["command"]).encode())
    await channels.send(STDERR, b"warning")
    async for channel, data in channels:
        if channel == STDIN and not data:
            break
        await channels.send(STDOUT, data.upper())
    await channels.end(exit_status(7))


def with_shell() -> Subresources:
    subresources = Subresources()
    subresources.talks("pods", "exec", shell)
    return subresources


async def test_exec_speaks_in_numbered_channels_and_ends_with_the_exit_code(running: Running) -> None:
    server = await running(with_shell())
    path = f"{EXEC}?command=sh&command=-c&stdin=true"
    async with _socket(server, path, "v5.channel.k8s.io", "v4.channel.k8s.io") as conversation:
        assert conversation.subprotocol == "v5.channel.k8s.io"
        assert await conversation.recv() == b"\x01sh -c"
        assert await conversation.recv() == b"\x02warning"
        await conversation.send(b"\x00hello")
        assert await conversation.recv() == b"\x01HELLO"
        await conversation.send(b"\xff\x00")
        status = await conversation.recv()
        assert isinstance(status, bytes)
        assert status[0] == 3
        assert json.loads(status[1:])["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]
        with pytest.raises(websockets.ConnectionClosedOK):
            await conversation.recv()


async def test_exec_speaks_base64_to_those_who_want_it(running: Running) -> None:
    server = await running(with_shell())
    async with _socket(server, f"{EXEC}?command=sh", "v4.base64.channel.k8s.io") as conversation:
        assert await conversation.recv() == "1" + base64.b64encode(b"sh").decode()


async def test_an_unknown_subprotocol_is_refused_with_a_status(running: Running) -> None:
    server = await running(with_shell())
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with _socket(server, f"{EXEC}?command=sh", "v9.channel.k8s.io"):
            pass
    assert refusal.value.response.status_code == 400
    assert "v5.channel.k8s.io" in json.loads(refusal.value.response.body or b"{}")["message"]


@pytest.mark.parametrize(
    ("path", "status"), [(EXEC.replace("web", "nix"), 404), (EXEC.replace("exec", "attach"), 404), ("/nix", 404)]
)
async def test_what_is_not_there_is_said_before_the_conversation(running: Running, path: str, status: int) -> None:
    server = await running(with_shell())
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with _socket(server, path, "v5.channel.k8s.io"):
            pass
    assert refusal.value.response.status_code == status


async def test_a_reader_may_not_exec_though_it_is_a_get(running: Running) -> None:
    server = await running(with_shell())
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with _socket(server, EXEC, "v5.channel.k8s.io", token=server.tokens.reader):
            pass
    assert refusal.value.response.status_code == 403
    assert (await _ask(server, EXEC))[0] == 403


async def test_a_failure_is_told_on_the_error_channel(running: Running) -> None:
    async def refuses(_ask: Ask, _channels: Channels) -> None:
        raise Conflict("the container has ended")

    subresources = Subresources()
    subresources.talks("pods", "attach", refuses)
    server = await running(subresources)
    async with _socket(server, EXEC.replace("exec", "attach"), "v4.channel.k8s.io") as conversation:
        status = await conversation.recv()
        assert isinstance(status, bytes)
        assert json.loads(status[1:])["message"] == "the container has ended"


async def test_a_client_that_hangs_up_ends_the_handler(running: Running) -> None:
    ended = anyio.Event()

    async def waits(_ask: Ask, _channels: Channels) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    subresources = Subresources()
    subresources.talks("pods", "exec", waits)
    server = await running(subresources)
    async with _socket(server, EXEC, "v5.channel.k8s.io"):
        pass
    with anyio.fail_after(5):
        await ended.wait()


async def test_a_log_is_text_that_comes_as_it_is_written(running: Running) -> None:
    asked: list[Ask] = []

    async def log(ask: Ask, sink: Sink) -> None:
        asked.append(ask)
        await sink.write(b"one\n")
        await sink.write(b"two\n")

    subresources = Subresources()
    subresources.writes("pods", "log", log)
    server = await running(subresources)
    status, body = await _ask(server, f"{LOG}?follow=true&tailLines=10&container=main")
    assert (status, b"one\n" in body, b"two\n" in body) == (200, True, True)
    assert (asked[0].flag("follow"), asked[0].one("container"), asked[0].namespace) == (True, "main", "default")


async def test_an_empty_log_is_an_answer_too(running: Running) -> None:
    async def log(_ask: Ask, _sink: Sink) -> None:
        return

    subresources = Subresources()
    subresources.writes("pods", "log", log)
    assert (await _ask(await running(subresources), LOG))[0] == 200


async def test_a_log_that_cannot_be_read_is_a_status(running: Running) -> None:
    async def log(_ask: Ask, _sink: Sink) -> None:
        raise NotFound("container main has not started")

    subresources = Subresources()
    subresources.writes("pods", "log", log)
    status, body = await _ask(await running(subresources), LOG)
    assert (status, json.loads(body)["message"]) == (404, "container main has not started")


async def test_an_eviction_takes_an_object_and_returns_one(running: Running) -> None:
    async def evict(ask: Ask) -> dict[str, Any]:
        return {"kind": "Status", "status": "Success", "details": {"name": ask.name, "asked": ask.body}}

    subresources = Subresources()
    subresources.answers("pods", "eviction", evict)
    server = await running(subresources)
    stream = await anyio.connect_tcp("127.0.0.1", port_of(server._plain))
    async with stream:
        head = "POST /api/v1/namespaces/default/pods/web/eviction HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        token = f"Authorization: Bearer {server.tokens.admin}\r\n"
        await stream.send(f'{head}{token}Content-Length: 7\r\n\r\n{{"a":1}}'.encode())
        answer = b"".join([chunk async for chunk in stream])
    assert answer.startswith(b"HTTP/1.1 201")
    assert b'"asked":{"a":1}' in answer


async def test_stopping_ends_logs_and_conversations(running: Running) -> None:
    async def log(_ask: Ask, sink: Sink) -> None:
        await sink.write(b"one\n")
        await anyio.sleep_forever()

    subresources = with_shell()
    subresources.writes("pods", "log", log)
    server = await running(subresources)
    async with _socket(server, f"{EXEC}?command=sh", "v5.channel.k8s.io") as conversation:
        await conversation.recv()
        server._front.answers.close()
        assert await conversation.recv() == b"\x02warning"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await conversation.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
