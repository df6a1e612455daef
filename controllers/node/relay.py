"""Two sockets joined: what comes in at one goes out at the other, until both are through."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import anyio

if TYPE_CHECKING:
    import socket


async def relay(one: socket.socket, other: socket.socket) -> None:
    """Join two connected sockets and close both when they are through; half-closed connections stay half open."""
    left, right = _Side(), _Side()
    left.other, right.other = right, left
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_accepted_socket(lambda: left, one)
        await loop.connect_accepted_socket(lambda: right, other)
        left.begin()
        right.begin()
        await left.lost.wait()
        await right.lost.wait()
    except OSError:
        pass  # one of the two was gone before they met; closing below tells the other
    finally:
        for side, sock in ((left, one), (right, other)):
            side.abort()
            if side.transport is None:
                sock.close()


class _Side(asyncio.Protocol):
    """One end: hands on what it reads, and stops reading while the other end cannot take more.

    What it reads before the other end is there is kept for it: event loops differ in when they begin to read.
    """

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Side = self
        self.ended = False
        self.lost = anyio.Event()
        self._begun = False
        self._early = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # a socket's transport reads and writes

    def begin(self) -> None:
        """Hand on what was read while the other end was not there yet."""
        self._begun = True
        if self._early:
            self._write(bytes(self._early))
            self._early.clear()
        if self.ended:
            self._end_other()
        if self.lost.is_set():
            self.other.close()

    def data_received(self, data: bytes) -> None:
        if self._begun:
            self._write(data)
        else:
            self._early += data

    def _write(self, data: bytes) -> None:
        if self.other.transport is not None and not self.other.transport.is_closing():
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if (reader := self.other.transport) is not None and reader.is_reading():
            reader.pause_reading()

    def resume_writing(self) -> None:
        if (reader := self.other.transport) is not None and not reader.is_closing():
            reader.resume_reading()

    def eof_received(self) -> bool:
        self.ended = True
        if self._begun:
            self._end_other()
        return True

    def _end_other(self) -> None:
        """Tell the other end that no more comes; if it said so too, all is over."""
        if self.other.ended:
            self.close()
            self.other.close()
        elif self.other.transport is not None and not self.other.transport.is_closing():
            self.other.transport.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
        if exc is None:
            self.other.close()
        else:
            self.other.abort()

    def close(self) -> None:
        """Close once all is written."""
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close now."""
        if self.transport is not None:
            self.transport.abort()
