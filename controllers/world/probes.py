"""Asks a server how it is: by a command, an HTTP GET, or by opening a connection."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import anyio
from anyio.streams.tls import TLSStream

from upright.controllers.world.probing import Answer
from upright.controllers.world.processes import Command, StartFailed, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from anyio.abc import ByteStream

    from upright.controllers.world.processes import Processes

    Ask = Callable[[], Awaitable[Answer]]
    Connect = Callable[[str, int], Awaitable[ByteStream]]
    """Opens a connection to a host and port, where that is not simply done from here; raises OSError."""

_OUTPUT_BYTES = 10 * 1024  # as much of a command's output as Kubernetes keeps
_HEAD_BYTES = 64 * 1024
_REDIRECTS = 10
_PROBE_GRACE_SECONDS = 0.1


def tcp_socket(host: str, port: int, connect: Connect = anyio.connect_tcp) -> Ask:
    """Well while the port accepts a connection."""

    async def ask() -> Answer:
        try:
            stream = await connect(host, port)
        except OSError as error:
            return Answer(well=False, text=f"dial tcp {host}:{port}: {_why(error)}")
        await stream.aclose()
        return Answer(well=True)

    return ask


def http_get(url: str, headers: Mapping[str, str], connect: Connect = anyio.connect_tcp) -> Ask:
    """Well while a GET answers 200 to 399; redirects on the same host are followed, certificates are not checked."""

    async def ask() -> Answer:
        here = url
        for _ in range(_REDIRECTS):
            try:
                status, location = await _head(here, headers, connect)
            except OSError as error:
                return Answer(well=False, text=f'Get "{here}": {_why(error)}')
            except (anyio.EndOfStream, ValueError):
                return Answer(well=False, text=f'Get "{here}": malformed HTTP response')
            there = urljoin(here, location)
            if not 300 <= status < 400 or not location or urlsplit(there).hostname != urlsplit(here).hostname:
                return Answer(200 <= status < 400, f"HTTP probe {_outcome(status)} with statuscode: {status}")
            here = there
        return Answer(well=False, text=f'Get "{here}": stopped after {_REDIRECTS} redirects')

    return ask


def exec_command(processes: Processes, command: Command) -> Ask:
    """Well while the command exits 0; cancelled (out of time) it is killed."""

    async def ask() -> Answer:
        output = bytearray()

        def keep(data: bytes) -> None:
            output.extend(data[: _OUTPUT_BYTES - len(output)])

        try:
            ended = await run(processes, command, keep, grace=_PROBE_GRACE_SECONDS)
        except StartFailed as error:
            return Answer(well=False, text=str(error))
        return Answer(ended.code == 0, output.decode("utf-8", "replace"))

    return ask


async def _head(url: str, headers: Mapping[str, str], connect: Connect) -> tuple[int, str]:
    """Return status and Location of a GET. Raises OSError, EndOfStream, ValueError."""
    parts = urlsplit(url)
    context = _unchecked() if parts.scheme == "https" else None
    port = parts.port or (443 if context else 80)
    stream: ByteStream = await connect(parts.hostname or "localhost", port)
    try:
        if context:
            stream = await TLSStream.wrap(stream, server_side=False, ssl_context=context, standard_compatible=False)
        await stream.send(_request(url, headers))
        head = await _until_blank_line(stream)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
        raise OSError(0, "connection reset by peer") from error
    finally:
        with suppress(OSError, anyio.BrokenResourceError), anyio.CancelScope(shield=True):
            await stream.aclose()
    first, *rest = head.decode("latin-1").split("\r\n")
    version, status, *_ = first.split(" ")
    if not version.startswith("HTTP/"):
        raise ValueError(first)
    locations = [value.strip() for name, _, value in (row.partition(":") for row in rest) if name.lower() == "location"]
    return int(status), locations[0] if locations else ""


def _request(url: str, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {"Host": parts.netloc, "User-Agent": "kube-probe/upright", "Accept": "*/*"} | dict(headers)
    rows = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "Connection: close"]
    return ("\r\n".join(rows) + "\r\n\r\n").encode("utf-8", "replace")


async def _until_blank_line(stream: ByteStream) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES:
        head += await stream.receive()
    return head.partition(b"\r\n\r\n")[0]


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _outcome(status: int) -> str:
    return "succeeded" if 200 <= status < 400 else "failed"


def _why(error: OSError) -> str:
    """Return the system's words for what went wrong, also from inside anyio's group of attempts."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return f"tls: {cause.reason or cause}"
        if isinstance(cause, OSError) and cause.errno:  # a resolver's numbers are negative, and not the system's
            return f"connect: {os.strerror(cause.errno).lower()}" if cause.errno > 0 else str(cause.strerror)
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _causes(inner)
    if error.__cause__ is not None:
        yield from _causes(error.__cause__)
