"""Kubernetes' channels over a WebSocket: exec, attach and portforward of kubectl and the client libraries.

Every message begins with the number of its channel: a byte, or in the base64 protocols a digit. Subprotocols in the order
we choose them: v5.channel.k8s.io (v4 and a message that closes a channel: 255 and its number), v4.channel.k8s.io (the
status of the end is JSON on channel 3), v4.base64.channel.k8s.io, and the same without a version.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import anyio
import orjson

from upright.openapi.subresources import ERROR

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from upright.apiserver.app.exchange import ASGIMessage, Receive, Send
    from upright.openapi.meta import Json

PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
)
_CLOSE = 255
_NORMAL_CLOSURE = 1000
_GOING_AWAY = 1001
_MESSAGES_WAITING = 64


def protocol(offered: Iterable[str]) -> str | None:
    """Return the best subprotocol of those a client offers; None if it knows none of ours."""
    known = set(offered)
    return next((name for name in PROTOCOLS if name in known), None)


class WebSocketChannels:
    """The conversation of one WebSocket that was accepted with one of PROTOCOLS."""

    def __init__(self, chosen: str, receive: Receive, send: Send) -> None:
        self._base64 = "base64" in chosen
        self._closes = chosen.startswith("v5")
        self._receive = receive
        self._send = send
        self._ended = False
        self._incoming, self._received = anyio.create_memory_object_stream[tuple[int, bytes]](_MESSAGES_WAITING)

    async def listen(self) -> None:
        """Take in what the client sends; return when it has hung up."""
        while (message := await self._receive())["type"] != "websocket.disconnect":
            received = self._decoded(message)
            if received is not None:
                await self._incoming.send(received)
        self._ended = True

    def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        return aiter(self._received)

    def _decoded(self, message: ASGIMessage) -> tuple[int, bytes] | None:
        """Return channel and data; None for what opens a channel without saying anything, or cannot be read."""
        data: bytes = message.get("bytes") or (message.get("text") or "").encode()
        if not data:
            return None
        if self._base64:
            try:
                return int(data[:1]), base64.b64decode(data[1:])
            except (ValueError, binascii.Error):
                return None
        if self._closes and data[0] == _CLOSE:
            return (data[1], b"") if len(data) > 1 else None
        return (data[0], data[1:]) if len(data) > 1 else None

    async def send(self, channel: int, data: bytes) -> None:
        """Send data; nothing is sent after the end."""
        if self._ended:
            return
        if self._base64:
            text = f"{channel}{base64.b64encode(data).decode()}"
            await self._send({"type": "websocket.send", "text": text})
        else:
            await self._send({"type": "websocket.send", "bytes": bytes((channel,)) + data})

    async def end(self, status: Json) -> None:
        """Send the status on the error channel, and close."""
        await self.send(ERROR, orjson.dumps(status))
        await self.close()

    async def close(self, *, leaving: bool = False) -> None:
        """Close the WebSocket, once; ``leaving``: it is the server that ends."""
        if not self._ended:
            self._ended = True
            await self._send({"type": "websocket.close", "code": _GOING_AWAY if leaving else _NORMAL_CLOSURE})
        self._incoming.close()
        self._received.close()
