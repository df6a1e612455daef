"""The quick answers are the same as those of the long way, or there is none."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import anyio.to_thread
import pytest

from tests.apiserver.test_server import BODY, SESSIONS, serving
from upright.apiserver.options import Target
from upright.client import kubeconfig
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from upright.apiserver.registry import Registry
    from upright.apiserver.server import Server

CMDS = "/apis/tilt.dev/v1alpha1/cmds"


@pytest.fixture
async def server(registry: Registry, tmp_path: Path) -> AsyncIterator[Server]:
    for name in ("a", "b/c", "ü"):
        await registry.create(
            Target(Cmd), {"metadata": {"name": name.replace("/c", "")}, "spec": {"args": ["x" * 100]}}
        )
    await registry.create(Target(Session), BODY)
    async with serving(registry, tmp_path) as running:
        await running.secured()
        yield running


def _spoken(server: Server, lines: list[str], *, alone: bool = False) -> bytes:
    """Say lines to the server, each a request's first with its headers; return all that comes until it falls silent."""
    access = kubeconfig.read(server.kubeconfig)
    tls = ssl.create_default_context(cadata=access.authority)
    port = int(access.server.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        tls.wrap_socket(plain, server_hostname="127.0.0.1") as talk,
    ):
        said = [line.replace("TOKEN", access.token) for line in lines]
        for part in said if alone else ["".join(said)]:
            talk.sendall(part.encode())
        heard = b""
        while piece := talk.recv(1 << 20):
            heard += piece
    return heard


def request(path: str, *headers: str, method: str = "GET") -> str:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""])


ADMIN = "Authorization: Bearer TOKEN"
LAST = request(f"{CMDS}/a", ADMIN, "Connection: close")


async def said(server: Server, *lines: str) -> list[bytes]:
    """Return the answers to requests that are sent one after the other without waiting, the last one's aside."""
    heard = await anyio.to_thread.run_sync(_spoken, server, [*lines, LAST])
    return [b"HTTP/1.1" + one for one in heard.split(b"HTTP/1.1")[1:-1]]


@pytest.mark.parametrize(
    "path", [f"{CMDS}/a", CMDS, f"{CMDS}/%61", "/apis/session", SESSIONS, f"{SESSIONS}/one", f"{CMDS}/b"]
)
async def test_the_quick_answer_is_that_of_the_long_way(server: Server, path: str) -> None:
    quick, slow = await said(server, request(path, ADMIN), request(f"{path}?x=y", ADMIN))
    assert quick.startswith(b"HTTP/1.1 200 OK")
    head, _, body = quick.partition(b"\r\n\r\n")
    other_head, _, other_body = slow.partition(b"\r\n\r\n")
    assert body == other_body
    assert sorted(head.split(b"\r\n")) == sorted(other_head.split(b"\r\n"))


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"{CMDS}/a", (), 401),
        (CMDS, ("Authorization: Bearer wrong",), 401),
        (f"{CMDS}/a", (ADMIN, "Origin: https://evil.test"), 403),
        (f"{CMDS}/nothing", (ADMIN,), 404),
        (f"{CMDS}/a", (ADMIN, "Accept: application/vnd.kubernetes.protobuf"), 406),
        (f"{CMDS}/a", (ADMIN, "Accept: application/json;as=Table;v=v1;g=meta.k8s.io"), 200),
    ],
)
async def test_what_is_refused_or_asked_otherwise_goes_the_long_way(
    server: Server, path: str, headers: tuple[str, ...], status: int
) -> None:
    (answer,) = await said(server, request(path, *headers))
    assert int(answer.split()[1]) == status
    assert (b'"kind":"Table"' in answer) == (status == 200)


async def test_requests_on_one_connection_are_answered_in_their_order(server: Server) -> None:
    body = b'{"metadata":{"name":"new"},"spec":{"args":["true"]}}'.decode()
    created = (
        request(CMDS, ADMIN, "Content-Type: application/json", f"Content-Length: {len(body)}", method="POST") + body
    )
    answers = await said(
        server,
        request(f"{CMDS}/new", ADMIN),
        created,
        request(f"{CMDS}/new", ADMIN),
        request(f"{CMDS}/new", ADMIN, method="HEAD"),
        request(f"{CMDS}/a", ADMIN, "Content-Length: 5") + "hello",
        request(f"{CMDS}/a", ADMIN),
    )
    assert [int(answer.split()[1]) for answer in answers] == [404, 201, 200, 200, 200, 200]
