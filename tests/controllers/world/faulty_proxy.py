"""A TCP proxy that can fail: reset its connections, refuse new ones, or stop carrying bytes."""

from __future__ import annotations

import socket
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import anyio
from anyio.abc import SocketAttribute

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from anyio.abc import SocketStream


class FaultyProxy:
    """Carries bytes to a port of this machine."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.refuses = False
        self._target = target
        self._flowing = anyio.Event()
        self._flowing.set()
        self._open: set[SocketStream] = set()

    def stall(self) -> None:
        """Carry nothing until ``flow``."""
        self._flowing = anyio.Event()

    def flow(self) -> None:
        self._flowing.set()

    async def reset(self) -> None:
        """Break all connections, as a machine does that lost its memory."""
        for stream in [*self._open]:
            raw = stream.extra(SocketAttribute.raw_socket)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await stream.aclose()

    async def serve(self, near: SocketStream) -> None:
        async with near:
            if self.refuses:
                return
            async with await anyio.connect_tcp("127.0.0.1", self._target) as far:
                self._open.add(near)
                try:
                    async with anyio.create_task_group() as group:
                        group.start_soon(self._carry, near, far, group.cancel_scope)
                        group.start_soon(self._carry, far, near, group.cancel_scope)
                finally:
                    self._open.discard(near)

    async def _carry(self, source: SocketStream, sink: SocketStream, scope: anyio.CancelScope) -> None:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            while True:
                data = await source.receive()
                await self._flowing.wait()
                await sink.send(data)
        scope.cancel()


@asynccontextmanager
async def faulty_proxy(target: int) -> AsyncGenerator[FaultyProxy]:
    """Listen until the context is left."""
    proxy = FaultyProxy(target)
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        proxy.port = int(listener.extra(SocketAttribute.local_port))
        group.start_soon(listener.serve, proxy.serve)
        yield proxy
        group.cancel_scope.cancel()
