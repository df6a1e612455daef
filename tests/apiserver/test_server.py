"""A server on real sockets: what it answers, and how it ends."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from upright.apiserver.server import Server, Settings
from upright.apiserver.sockets import PortTaken, UnsafeBind, listen, listen_on_loopback, port_of
from upright.client import kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from anyio.abc import SocketStream

    from upright.apiserver.registry import Registry

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"
BODY = {
    "apiVersion": "tilt.dev/v1alpha1",
    "kind": "Session",
    "metadata": {"name": "one"},
    "spec": {"tiltfilePath": "/p/Tiltfile"},
}


def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def serving(registry: Registry, folder: Path, *, secure: bool = True) -> AsyncGenerator[Server]:
    """A running server; a group of its own, entered and left in the test's task."""
    settings = Settings(folder, secure_port=0 if secure else None)
    server = Server(registry, listen_on_loopback("localhost", 0), settings, now=now)
    async with anyio.create_task_group() as group:
        await group.start(server.serve)
        try:
            yield server
        finally:
            group.cancel_scope.cancel()


def _ask(connection: http.client.HTTPConnection, method: str, path: str, body: object = None, token: str = "") -> Any:  # noqa: ANN401  reason: a decoded document
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


async def test_people_ask_over_plain_http_and_programs_over_https(registry: Registry, tmp_path: Path) -> None:
    async with serving(registry, tmp_path) as server:
        access = kubeconfig.read(await server.secured())
        tls = ssl.create_default_context(cadata=access.authority)

        def talk() -> None:
            host, _, port = access.server.removeprefix("https://").partition(":")
            secure = http.client.HTTPSConnection(host, int(port), context=tls, timeout=5)
            assert _ask(secure, "POST", SESSIONS, BODY, access.token)[0] == 201
            assert _ask(secure, "GET", f"{SESSIONS}/one", None, access.token)[0] == 200
            assert _ask(secure, "GET", "/apis/session")[0] == 401
            secure.close()
            plain = http.client.HTTPConnection("localhost", int(server.url.rpartition(":")[2]), timeout=5)
            status, listed = _ask(plain, "GET", "/apis/session")
            assert (status, len(listed["items"])) == (200, 1)
            assert _ask(plain, "GET", SESSIONS)[0] == 401
            plain.close()

        await anyio.to_thread.run_sync(talk)


async def test_the_kubeconfig_is_for_its_owner_only(registry: Registry, tmp_path: Path) -> None:
    async with serving(registry, tmp_path) as server:
        path = await server.secured()
        assert path.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "tls.key").stat().st_mode & 0o777 == 0o600


async def test_both_addresses_of_localhost_answer(registry: Registry, tmp_path: Path) -> None:
    async with serving(registry, tmp_path, secure=False) as server:
        for address in ("127.0.0.1", "::1"):
            stream = await anyio.connect_tcp(address, int(server.url.rpartition(":")[2]))
            async with stream:
                await stream.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert (await stream.receive()).startswith(b"HTTP/1.1 200")


async def _watch(server: Server, query: str = "") -> SocketStream:
    stream = await anyio.connect_tcp("127.0.0.1", int(server.url.rpartition(":")[2]))
    await stream.send(f"GET /apis/session?watch=1{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert b"200 OK" in await stream.receive()
    return stream


async def test_stopping_ends_open_watches_within_a_second(registry: Registry, tmp_path: Path) -> None:
    watches: list[SocketStream] = []
    with anyio.fail_after(10):
        async with serving(registry, tmp_path) as server:
            watches = [await _watch(server) for _ in range(20)]
            began = anyio.current_time()
        assert anyio.current_time() - began < 1.0
    for watch in watches:
        async with watch:
            assert await watch.receive() == b"0\r\n\r\n"
            with pytest.raises(anyio.EndOfStream):
                await watch.receive()


async def test_stopping_does_not_wait_for_idle_connections(registry: Registry, tmp_path: Path) -> None:
    with anyio.fail_after(10):
        async with serving(registry, tmp_path, secure=False) as server:
            idle = await anyio.connect_tcp("127.0.0.1", int(server.url.rpartition(":")[2]))
            began = anyio.current_time()
        assert anyio.current_time() - began < 1.0
        await idle.aclose()


async def test_a_client_that_has_gone_is_noticed(registry: Registry, tmp_path: Path) -> None:
    async with serving(registry, tmp_path, secure=False) as server:
        watch = await _watch(server)
        assert len(server._front.answers) == 1
        await watch.aclose()
        with anyio.fail_after(5):
            while len(server._front.answers):
                await anyio.lowlevel.checkpoint()


async def test_requests_sent_ahead_are_answered_in_their_order_and_a_head_has_no_body(
    registry: Registry, tmp_path: Path
) -> None:
    async with serving(registry, tmp_path) as server:
        token = kubeconfig.read(await server.secured()).token
        stream = await anyio.connect_tcp("127.0.0.1", int(server.url.rpartition(":")[2]))
        body = json.dumps(BODY)
        about = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n"
        post = f"POST {SESSIONS} HTTP/1.1\r\n{about}Content-Length: {len(body)}\r\n\r\n{body}"
        head, get = (f"{method} {SESSIONS}/one HTTP/1.1\r\n{about}\r\n" for method in ("HEAD", "GET"))
        last = get.replace("\r\n", "\r\nConnection: close\r\n", 1)
        told = b""
        async with stream:
            await stream.send(f"{post}{post}{head}{get}{last}".encode())
            with anyio.fail_after(10), suppress(anyio.EndOfStream):
                while True:
                    told += await stream.receive()
    answers = re.findall(rb"HTTP/1.1 (\d+) ([A-Za-z ]+)\r\n(.*?)\r\n\r\n((?:(?!HTTP/1.1).)*)", told, re.DOTALL)
    assert [(int(code), phrase) for code, phrase, _, _ in answers] == [
        (201, b"Created"), (409, b"Conflict"), (200, b"OK"), (200, b"OK"), (200, b"OK"),
    ]  # fmt: skip
    made, conflict, nothing, got, again = (body for _, _, _, body in answers)
    assert (nothing, got, again) == (b"", made, made)
    assert json.loads(conflict)["reason"] == "AlreadyExists"
    assert b"connection: close" in answers[-1][2].lower()


async def test_a_port_that_is_taken_is_named() -> None:
    held = listen_on_loopback("localhost", 0)
    try:
        with pytest.raises(PortTaken, match=f"port {port_of(held)} on localhost is taken.*--port"):
            listen_on_loopback("localhost", port_of(held))
    finally:
        for bound in held:
            bound.close()


async def test_a_port_taken_on_one_of_the_two_addresses_is_taken() -> None:
    held = listen("::1", 0)
    try:
        with pytest.raises(PortTaken):
            listen_on_loopback("localhost", port_of(held))
    finally:
        for bound in held:
            bound.close()


def test_plain_http_is_refused_beyond_loopback() -> None:
    with pytest.raises(UnsafeBind, match="loopback only"):
        listen_on_loopback("0.0.0.0", 0)


async def test_a_server_without_plain_http_has_https_only(registry: Registry, tmp_path: Path) -> None:
    server = Server(registry, [], Settings(tmp_path, context="upright-embedded"), now=now)
    async with anyio.create_task_group() as group:
        await group.start(server.serve)
        access = kubeconfig.read(await server.secured())
        assert (server.url, access.context) == ("", "upright-embedded")
        group.cancel_scope.cancel()


async def test_nothing_listens_after_the_end(registry: Registry, tmp_path: Path) -> None:
    async with serving(registry, tmp_path) as server:
        await server.secured()
        ports = [int(server.url.rpartition(":")[2]), int(server.secure_url.rpartition(":")[2])]
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            await anyio.to_thread.run_sync(partial(socket.create_connection, ("127.0.0.1", port), 1))
