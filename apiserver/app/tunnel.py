"""Port forwards as kubectl asks for them: many connections to a pod's ports, as SPDY streams through one WebSocket.

Each connection is two streams with one request id: its data, and one that says what went wrong.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from upright.apiserver.app.spdy import Spdy, SpdyError, data_frame, ping, reset
from upright.openapi.errors import APIError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import ByteStream

    from upright.apiserver.app.exchange import Receive, Send
    from upright.apiserver.app.spdy import Frame

    Connect = Callable[[int], Awaitable[ByteStream]]

TUNNEL = "SPDY/3.1+portforward.k8s.io"
"""The subprotocol by which kubectl asks for it."""

_CONNECTIONS_AT_MOST = 1000
_PIECES_WAITING = 16
_GOING_AWAY = 1001
_log = logging.getLogger(__name__)


class _Forward:
    """One connection: the numbers of its streams, and what the client has sent that its port has not taken yet."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.data = 0
        self.error = 0
        self.scope = anyio.CancelScope()
        self.inlet, self.outlet = anyio.create_memory_object_stream[bytes](_PIECES_WAITING)

    def close(self) -> None:
        self.inlet.close()
        self.outlet.close()


class Tunnel:
    """The connections of one WebSocket; ``connect`` opens a port, or raises an APIError that the client is told."""

    def __init__(self, connect: Connect, receive: Receive, send: Send) -> None:
        self._connect = connect
        self._receive = receive
        self._send = send
        self._spdy = Spdy()
        self._gone = False
        self._asked: dict[str, _Forward] = {}
        self._by_data: dict[int, _Forward] = {}
        self._begun, self._begin = anyio.create_memory_object_stream[_Forward](_CONNECTIONS_AT_MOST)

    async def listen(self) -> None:
        """Take in what the client sends; return when it has hung up, or speaks otherwise than agreed."""
        with suppress(SpdyError):
            while (message := await self._receive())["type"] != "websocket.disconnect":
                for frame in self._spdy.feed(message.get("bytes") or b""):
                    if frame.kind == "goaway":
                        return
                    await self._take(frame)
            self._gone = True

    async def serve(self) -> None:
        """Carry every connection that the client opens, until cancelled."""
        async with anyio.create_task_group() as group:
            async for forward in self._begin:
                group.start_soon(self._carried, forward)

    async def close(self) -> None:
        """Close the WebSocket."""
        self._begun.close()
        self._begin.close()
        for forward in (*self._by_data.values(), *self._asked.values()):
            forward.close()
        if not self._gone:
            await self._send({"type": "websocket.close", "code": _GOING_AWAY})

    async def _take(self, frame: Frame) -> None:
        if frame.kind == "open":
            await self._open(frame)
        elif frame.kind == "ping":
            await self._write(ping(frame.stream))
        elif forward := self._by_data.get(frame.stream):
            if frame.kind == "reset":
                forward.scope.cancel()
                return
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                if frame.data:
                    await forward.inlet.send(frame.data)
                if frame.fin:
                    forward.inlet.close()

    async def _open(self, frame: Frame) -> None:
        """Accept a stream; when both of a connection are there, it begins."""
        kind, port = frame.headers.get("streamtype", ""), frame.headers.get("port", "")
        full = len(self._by_data) + len(self._asked) >= _CONNECTIONS_AT_MOST
        if kind not in {"data", "error"} or not _is_port(port) or full:
            await self._write(reset(frame.stream))
            return
        await self._write(self._spdy.reply(frame.stream))
        number = frame.headers.get("requestid", port)
        forward = self._asked.get(number) or _Forward(int(port))
        self._asked[number] = forward
        if kind == "error":
            forward.error = frame.stream
        else:
            forward.data = frame.stream
            self._by_data[frame.stream] = forward
        if forward.error and forward.data:
            del self._asked[number]
            self._begun.send_nowait(forward)

    async def _carried(self, forward: _Forward) -> None:
        """Carry one connection to its end, and tell why if that is not a good one."""
        trouble = b""
        with forward.scope:
            try:
                async with await self._connect(forward.port) as port:
                    await self._carry(forward, port)
            except APIError as error:
                trouble = error.message.encode()
            except Exception:  # noqa: BLE001  reason: one connection's trouble is not the others'
                _log.exception("the connection to port %d failed", forward.port)
                trouble = b"the connection failed: see the server's log"
        del self._by_data[forward.data]
        forward.close()
        await self._write(data_frame(forward.data, b"", fin=True))
        await self._write(data_frame(forward.error, trouble, fin=True))

    async def _carry(self, forward: _Forward, port: ByteStream) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(_upload, forward, port)
            with suppress(anyio.BrokenResourceError):
                async for data in port:
                    await self._write(data_frame(forward.data, data))
            group.cancel_scope.cancel()

    async def _write(self, data: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": data})


async def _upload(forward: _Forward, port: ByteStream) -> None:
    with suppress(anyio.BrokenResourceError):
        async for data in forward.outlet:
            await port.send(data)
        await port.send_eof()


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65535
