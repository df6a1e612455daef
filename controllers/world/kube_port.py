"""A port of a pod over a WebSocket: channel 0 carries the bytes, channel 1 says what went wrong."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio
from anyio.abc import ByteStream

from upright.openapi.errors import ServiceUnavailable

if TYPE_CHECKING:
    import aiohttp

    from upright.controllers.world.kube_connection import KubeConnection

_DATA, _ERROR = 0, 1
GREETING_SECONDS = 15.0


class PodPort(ByteStream):
    """The bytes of one connection to a port of a pod."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, stack: AsyncExitStack) -> None:
        self._socket = socket
        self._stack = stack
        self._rest = b""
        self._greetings = {_DATA, _ERROR}

    @classmethod
    async def open(cls, connection: KubeConnection, path: str, port: int) -> PodPort:
        """Connect; raises ServiceUnavailable when that is refused."""
        async with AsyncExitStack() as stack:
            socket = await stack.enter_async_context(connection.websocket(path, {"ports": str(port)}))
            opened = cls(socket, stack.pop_all())
        try:
            with anyio.fail_after(GREETING_SECONDS):
                await opened._greeted()
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await opened.aclose()
            if isinstance(error, (TimeoutError, anyio.EndOfStream)):
                raise ServiceUnavailable(f"nothing answers at port {port} of the pod") from error
            raise
        return opened

    async def _greeted(self) -> None:
        """Wait for the port's number on both channels, which comes first on each."""
        while self._greetings:
            self._rest += await self._next()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        while not self._rest:
            try:
                self._rest = await self._next()
            except ServiceUnavailable as error:
                raise anyio.BrokenResourceError(error.message) from error
        data, self._rest = self._rest[:max_bytes], self._rest[max_bytes:]
        return data

    async def _next(self) -> bytes:
        """Return the next bytes of the data channel; empty for a message about something else."""
        import aiohttp  # noqa: PLC0415  reason: heavy, only where used

        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.BINARY:
            if message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED}:
                raise anyio.EndOfStream
            if message.type is aiohttp.WSMsgType.ERROR:
                raise ServiceUnavailable(f"the connection to the pod broke: {message.data}")
            return b""
        channel, data = message.data[0], bytes(message.data[1:])
        if channel in self._greetings:
            self._greetings.discard(channel)
            return b""
        if channel == _ERROR and data:
            raise ServiceUnavailable(" ".join(data.decode("utf-8", "replace").split()))
        return data if channel == _DATA else b""

    async def send(self, item: bytes) -> None:
        try:
            await self._socket.send_bytes(bytes((_DATA,)) + item)
        except (ConnectionError, RuntimeError) as error:
            raise anyio.BrokenResourceError from error

    async def send_eof(self) -> None:
        """Do nothing: these channels cannot be half closed, and the answer may be still to come."""

    async def aclose(self) -> None:
        await self._stack.aclose()
