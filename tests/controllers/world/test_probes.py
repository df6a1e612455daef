from __future__ import annotations

import os
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import anyio
import pytest
from anyio.streams.tls import TLSListener

from upright.controllers.world.probes import exec_command, http_get, tcp_socket
from upright.controllers.world.probing import Answer
from upright.controllers.world.processes import Command, LocalProcesses

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from anyio.abc import ByteStream


class Site:
    """Answers each request with the next of its answers."""

    def __init__(self, answers: list[str]) -> None:
        self.answers = answers
        self.requests: list[str] = []

    async def serve(self, stream: ByteStream) -> None:
        async with stream:
            self.requests.append((await stream.receive()).decode("latin-1"))
            if self.answers:
                await stream.send(self.answers.pop(0).encode())


@asynccontextmanager
async def serving(site: Site, context: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = int(listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port))
    wrapped = TLSListener(listener, context, standard_compatible=False) if context else listener
    async with wrapped, anyio.create_task_group() as group:
        group.start_soon(wrapped.serve, site.serve)
        yield port
        group.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("answer", "well"),
    [
        ("HTTP/1.1 200 OK\r\n\r\nfine", True),
        ("HTTP/1.1 399 Odd\r\n\r\n", True),
        ("HTTP/1.1 400 Bad\r\n\r\n", False),
        ("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n\r\n", False),
        ("HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\n\r\n", True),
    ],
)
async def test_a_get_is_well_from_200_to_399(answer: str, well: bool) -> None:
    site = Site([answer])
    async with serving(site) as port:
        got = await http_get(f"http://localhost:{port}/healthz?x=1", {"X-Probe": "yes"})()
    code = answer.split(" ")[1]
    assert got == Answer(well, f"HTTP probe {'succeeded' if well else 'failed'} with statuscode: {code}")
    rows = site.requests[0].split("\r\n")
    assert rows[0] == "GET /healthz?x=1 HTTP/1.1"
    assert {f"Host: localhost:{port}", "X-Probe: yes", "Connection: close"} <= set(rows)


async def test_a_redirect_on_the_same_host_is_followed() -> None:
    site = Site(["HTTP/1.1 301 Moved\r\nLocation: /there\r\n\r\n", "HTTP/1.1 500 Bad\r\n\r\n"])
    async with serving(site) as port:
        got = await http_get(f"http://localhost:{port}", {})()
    assert got == Answer(well=False, text="HTTP probe failed with statuscode: 500")
    assert [request.split(" ")[1] for request in site.requests] == ["/", "/there"]


async def test_redirects_in_a_circle_end() -> None:
    site = Site(["HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n"] * 20)
    async with serving(site) as port:
        got = await http_get(f"http://localhost:{port}/", {})()
    assert not got.well
    assert got.text.endswith("stopped after 10 redirects")


@pytest.mark.parametrize("answer", ["SSH-2.0-x\r\n\r\n", "HTTP/1.1 OK\r\n\r\n", "HTTP/1.1 200"])
async def test_what_is_not_http_is_ill(answer: str) -> None:
    async with serving(Site([answer])) as port:
        got = await http_get(f"http://127.0.0.1:{port}/", {})()
    assert got == Answer(well=False, text=f'Get "http://127.0.0.1:{port}/": malformed HTTP response')


async def test_https_is_asked_without_checking_the_certificate(tmp_path: Path) -> None:
    site = Site(["HTTP/1.1 200 OK\r\n\r\n"])
    async with serving(site, certificate(tmp_path)) as port:
        assert (await http_get(f"https://127.0.0.1:{port}/", {})()).well


async def test_who_does_not_speak_tls_is_ill(free_port: int) -> None:
    async with serving(Site(["HTTP/1.1 400 Bad\r\n\r\n"])) as port:
        got = await http_get(f"https://127.0.0.1:{port}/", {})()
    assert not got.well
    assert "tls: " in got.text


@pytest.fixture
async def free_port() -> int:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        return int(listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port))


async def test_a_closed_port_is_ill_and_says_why(free_port: int) -> None:
    words = "connect: connection refused"
    url = f"http://localhost:{free_port}/"
    assert await tcp_socket("localhost", free_port)() == Answer(False, f"dial tcp localhost:{free_port}: {words}")
    assert await http_get(url, {})() == Answer(False, f'Get "{url}": {words}')


async def test_a_host_that_does_not_exist_is_ill() -> None:
    assert not (await tcp_socket("no-such-host.invalid", 80)()).well


async def test_an_open_port_is_well() -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = int(listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port))
        assert (await tcp_socket("127.0.0.1", port)()).well


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("echo fine", Answer(well=True, text="fine\n")),
        ("echo no >&2; exit 1", Answer(well=False, text="no\n")),
    ],
)
async def test_a_command_is_well_when_it_exits_0(script: str, answer: Answer) -> None:
    async with LocalProcesses() as processes:
        ask = exec_command(processes, Command(("sh", "-c", script), env=dict(os.environ)))
        assert await ask() == answer


async def test_a_command_that_is_not_there_is_ill() -> None:
    async with LocalProcesses() as processes:
        got = await exec_command(processes, Command(("no-such",)))()
    assert got == Answer(well=False, text='exec: "no-such": executable file not found in $PATH')


async def test_a_command_that_takes_too_long_is_killed() -> None:
    async with LocalProcesses() as processes:
        with anyio.move_on_after(0.05):
            await exec_command(processes, Command(("sleep", "100"), env=dict(os.environ)))()
        assert not processes._running


def certificate(folder: Path) -> ssl.SSLContext:
    from cryptography import x509  # noqa: PLC0415  reason: slow, and for one test
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415  reason: the same
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  reason: the same

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=1))
    file = folder / "pair.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context
