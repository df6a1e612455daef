"""Port forwards through one WebSocket, with a client made of the same frames."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from anyio.abc import ByteStream
from anyio.streams.stapled import StapledObjectStream

from upright.apiserver.app.spdy import Frame, Spdy, data_frame, ping, reset
from upright.apiserver.app.tunnel import Tunnel
from upright.openapi.errors import ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable


class Port(ByteStream):
    """A port that echoes in capitals, and ends when its client does."""

    def __init__(self) -> None:
        put, get = anyio.create_memory_object_stream[bytes](8)
        self._echo = StapledObjectStream(put, get)
        self.closed = anyio.Event()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        del max_bytes
        return await self._echo.receive()

    async def send(self, item: bytes) -> None:
        await self._echo.send(item.upper())

    async def send_eof(self) -> None:
        await self._echo.send_eof()

    async def aclose(self) -> None:
        await self._echo.aclose()
        self.closed.set()


@dataclass
class Client:
    """The other end: sends frames, waits for those of a stream."""

    ports: list[Port] = field(default_factory=list)
    spdy: Spdy = field(default_factory=Spdy)
    closed: bool = False

    def __post_init__(self) -> None:
        self._to, self._come = anyio.create_memory_object_stream[dict[str, Any]](100)
        self._back, self._heard = anyio.create_memory_object_stream[bytes](100)

    async def receive(self) -> dict[str, Any]:
        return await self._come.receive()

    async def send(self, message: Any) -> None:  # noqa: ANN401  reason: as ASGI has it
        if message["type"] == "websocket.close":
            self.closed = True
        else:
            await self._back.send(message["bytes"])

    async def connect(self, port: int) -> ByteStream:
        if port == 9:
            raise ServiceUnavailable("dial tcp 10.0.0.1:9: connection refused")
        self.ports.append(Port())
        return self.ports[-1]

    async def say(self, data: bytes) -> None:
        await self._to.send({"type": "websocket.receive", "bytes": data})

    async def open(self, first: int, port: str) -> None:
        """Open a connection, whose error stream is ``first`` and whose data are the next of its numbers."""
        asked = {"port": port, "requestid": str(first)}
        await self.say(self.spdy.opened(first, asked | {"streamtype": "error"}) + data_frame(first, b"", fin=True))
        await self.say(self.spdy.opened(first + 2, asked | {"streamtype": "data"}))

    async def until(self, holds: Callable[[Frame], bool]) -> Frame:
        with anyio.fail_after(5):
            while True:
                for frame in self.spdy.feed(await self._heard.receive()):
                    if holds(frame):
                        return frame

    async def of(self, stream: int) -> Frame:
        """Return the next frame of the stream that says something."""
        return await self.until(lambda frame: frame.stream == stream and bool(frame.data or frame.fin))

    async def hang_up(self) -> None:
        await self._to.send({"type": "websocket.disconnect"})

    def end(self) -> None:
        for stream in (self._to, self._come, self._back, self._heard):
            stream.close()


@asynccontextmanager
async def tunnel() -> AsyncGenerator[Client]:
    client = Client()
    served = Tunnel(client.connect, client.receive, client.send)
    async with anyio.create_task_group() as group:

        async def serve() -> None:
            await served.serve()

        async def listen() -> None:
            await served.listen()
            group.cancel_scope.cancel()

        group.start_soon(serve)
        group.start_soon(listen)
        yield client
        group.cancel_scope.cancel()
    await served.close()
    client.end()


async def test_connections_go_side_by_side_and_end_each_by_itself() -> None:
    async with tunnel() as client:
        await client.open(1, "80")
        await client.open(5, "80")
        await client.say(data_frame(3, b"one") + data_frame(7, b"two"))
        assert (await client.of(3)).data == b"ONE"
        await client.say(data_frame(3, b"", fin=True))
        assert (await client.of(3)).fin
        assert await client.of(1) == Frame("data", 1, fin=True)
        await client.say(data_frame(7, b"more"))
        assert (await client.of(7)).data in {b"TWO", b"MORE"}


async def test_a_port_that_nobody_listens_on_is_told_on_the_error_stream() -> None:
    async with tunnel() as client:
        await client.open(1, "9")
        told = await client.of(1)
        assert told == Frame("data", 1, b"dial tcp 10.0.0.1:9: connection refused", fin=True)


async def test_a_connection_that_the_client_gives_up_is_closed() -> None:
    async with tunnel() as client:
        await client.open(1, "80")
        await client.say(data_frame(3, b"x"))
        await client.of(3)
        await client.say(reset(3))
        with anyio.fail_after(5):
            await client.ports[0].closed.wait()


@pytest.mark.parametrize("headers", [{}, {"streamtype": "data", "port": "0"}, {"streamtype": "x", "port": "80"}])
async def test_a_stream_that_is_none_of_a_port_forward_is_reset(headers: dict[str, str]) -> None:
    async with tunnel() as client:
        await client.say(client.spdy.opened(1, headers))
        assert await client.until(lambda frame: frame.stream == 1) == Frame("reset", 1)


async def test_a_ping_is_answered() -> None:
    async with tunnel() as client:
        await client.say(ping(3))
        assert await client.until(lambda frame: frame.kind == "ping") == Frame("ping", 3)


async def test_when_the_client_hangs_up_its_connections_are_closed() -> None:
    async with tunnel() as client:
        await client.open(1, "80")
        await client.say(data_frame(3, b"x"))
        await client.of(3)
        await client.hang_up()
        with anyio.fail_after(5):
            await client.ports[0].closed.wait()


async def test_a_client_that_speaks_otherwise_is_left() -> None:
    async with tunnel() as client:
        await client.say(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with anyio.move_on_after(5):
            await anyio.sleep_forever()
    assert client.closed
