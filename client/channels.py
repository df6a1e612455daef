"""Kubernetes' channels over a WebSocket, seen from the client: every message begins with the number of its channel."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import anyio
import orjson

from upright.openapi.errors import APIError, InternalError, MethodNotAllowed, ServiceUnavailable, from_status
from upright.openapi.subresources import ERROR, STDERR, STDIN, STDOUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from upright.client.transport import Conversation
    from upright.openapi.meta import Json

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_CLOSE = 255
_PIECE_BYTES = 1 << 15


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended in a container: its exit code, and what it wrote."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """What it wrote to stdout, as text."""
        return self.stdout.decode("utf-8", "replace")


class WebSocketConversation:
    """The channels of one WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        async for message in self._socket:
            if message.type == aiohttp.WSMsgType.BINARY and len(message.data) > 1:
                yield message.data[0], message.data[1:]
        if self._socket.close_code not in {1000, 1001, 1005}:
            raise ServiceUnavailable(f"the conversation broke off: {self._socket.exception()!r}")

    async def send(self, channel: int, data: bytes) -> None:
        await self._socket.send_bytes(bytes((channel,)) + data)

    @property
    def can_finish(self) -> bool:
        return self._socket.protocol == PROTOCOLS[0]

    async def finish(self, channel: int) -> None:
        await self._socket.send_bytes(bytes((_CLOSE, channel)))


async def run_through(conversation: Conversation, stdin: bytes) -> Finished:
    """Hand a program its input, and return what it says when it has ended."""
    if stdin and not conversation.can_finish:
        raise MethodNotAllowed("this server cannot be told where the input ends: that takes Kubernetes 1.30")
    heard = _Heard()
    async with anyio.create_task_group() as group:
        if stdin:
            group.start_soon(_feed, conversation, stdin)
        await heard.hear(conversation)
        group.cancel_scope.cancel()
    return heard.finished()


class _Heard:
    """What came back; an error is kept, for a task group would wrap it."""

    def __init__(self) -> None:
        self._written: dict[int, bytearray] = {STDOUT: bytearray(), STDERR: bytearray()}
        self._status: Json | None = None
        self._error: APIError | None = None

    async def hear(self, conversation: Conversation) -> None:
        try:
            async for channel, data in conversation:
                if channel in self._written:
                    self._written[channel] += data
                elif channel == ERROR:
                    self._status = orjson.loads(data)
                    return
        except APIError as error:
            self._error = error

    def finished(self) -> Finished:
        if self._error is not None:
            raise self._error
        if self._status is None:
            raise ServiceUnavailable("the conversation ended before the program did")
        return Finished(_exit_code(self._status), bytes(self._written[STDOUT]), bytes(self._written[STDERR]))


async def _feed(conversation: Conversation, stdin: bytes) -> None:
    with suppress(aiohttp.ClientError, OSError):  # it need not read all of it; its status tells
        for at in range(0, len(stdin), _PIECE_BYTES):
            await conversation.send(STDIN, stdin[at : at + _PIECE_BYTES])
        await conversation.finish(STDIN)


def _exit_code(status: Json) -> int:
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    if "code" in status:
        raise from_status(status)
    raise InternalError(str(status.get("message") or status))
