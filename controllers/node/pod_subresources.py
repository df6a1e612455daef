"""log, exec, attach and portforward of pods, as the API server asks for them."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import anyio
import orjson

from upright.controllers.node.pod_access import LogOptions
from upright.controllers.world.engine.errors import EngineError
from upright.openapi.errors import BadRequest, InternalError
from upright.openapi.meta import parse_time
from upright.openapi.subresources import RESIZE, STDERR, STDIN, STDOUT, exit_status

if TYPE_CHECKING:
    from anyio.abc import ByteReceiveStream, ByteStream

    from upright.controllers.node.pod_access import PodAccess
    from upright.controllers.world.engine.protocol import Terminal
    from upright.openapi.subresources import Ask, Channels, Sink, Subresources

RESOURCE = "pods"


def serve_pods(access: PodAccess, subresources: Subresources) -> None:
    """Register what kubectl asks of pods."""
    served = PodSubresources(access)
    subresources.writes(RESOURCE, "log", served.log)
    subresources.talks(RESOURCE, "exec", served.exec)
    subresources.talks(RESOURCE, "attach", served.attach)
    subresources.talks(RESOURCE, "portforward", served.portforward)
    subresources.connects(RESOURCE, "portforward", served.connect)


class PodSubresources:
    """Speaks to the server on one side, and to the pods on the other."""

    def __init__(self, access: PodAccess) -> None:
        self._access = access

    async def log(self, ask: Ask, sink: Sink) -> None:
        async with self._access.log(ask.namespace, ask.name, log_options(ask)) as chunks:
            async for chunk in chunks:
                await sink.write(chunk)

    async def exec(self, ask: Ask, channels: Channels) -> None:
        command = tuple(ask.query.get("command", ()))
        if not command:
            raise BadRequest("you must specify at least 1 command for the container")
        container, stdin, tty = ask.one("container"), ask.flag("stdin"), ask.flag("tty")
        try:
            opened = await self._access.exec(ask.namespace, ask.name, container, command, stdin=stdin, tty=tty)
            async with opened as terminal:
                await _converse(terminal, channels)
                code = await terminal.exit_code()
        except EngineError as error:
            raise InternalError(f"error executing command in container: {error.message}") from error
        await channels.end(exit_status(code))

    async def attach(self, ask: Ask, channels: Channels) -> None:
        try:
            opened = await self._access.attach(ask.namespace, ask.name, ask.one("container"), stdin=ask.flag("stdin"))
            async with opened as terminal:
                await _converse(terminal, channels)
        except EngineError as error:
            raise InternalError(f"error attaching to container: {error.message}") from error
        await channels.end(exit_status(0))

    async def connect(self, ask: Ask, port: int) -> ByteStream:
        return await self._access.open_port(ask.namespace, ask.name, port)

    async def portforward(self, ask: Ask, channels: Channels) -> None:
        """Carry to one connection a port: channel 2n has the data of the n-th port, 2n + 1 its errors; each begins with the port."""
        try:
            ports = [int(port) for value in ask.query.get("ports", ()) for port in value.split(",")]
        except ValueError as error:
            raise BadRequest(f"cannot read the ports: {error}") from error
        async with AsyncExitStack() as stack:
            streams = {
                2 * index: await stack.enter_async_context(await self._access.open_port(ask.namespace, ask.name, port))
                for index, port in enumerate(ports)
            }
            for index, port in enumerate(ports):
                await channels.send(2 * index, port.to_bytes(2, "little"))
                await channels.send(2 * index + 1, port.to_bytes(2, "little"))
            async with anyio.create_task_group() as group:
                for channel, stream in streams.items():
                    group.start_soon(_carry, stream, channels, channel)
                async for channel, data in channels:
                    if data and channel in streams:
                        with suppress(anyio.BrokenResourceError):
                            await streams[channel].send(data)
                group.cancel_scope.cancel()


async def _carry(stream: ByteReceiveStream, channels: Channels, channel: int) -> None:
    with suppress(anyio.BrokenResourceError):
        async for data in stream:
            await channels.send(channel, data)


def log_options(ask: Ask) -> LogOptions:
    """Read the query; raises BadRequest."""
    try:
        return LogOptions(
            container=ask.one("container"),
            follow=ask.flag("follow"),
            previous=ask.flag("previous"),
            timestamps=ask.flag("timestamps"),
            tail_lines=_number(ask, "tailLines"),
            limit_bytes=_number(ask, "limitBytes"),
            since_seconds=_number(ask, "sinceSeconds"),
            since_time=parse_time(since) if (since := ask.one("sinceTime")) else None,
        )
    except ValueError as error:
        raise BadRequest(f"cannot read the query: {error}") from error


def _number(ask: Ask, name: str) -> int | None:
    text = ask.one(name)
    return int(text) if text else None


async def _converse(terminal: Terminal, channels: Channels) -> None:
    """Carry both ways until the program is through; the caller's hanging up cancels us."""
    async with anyio.create_task_group() as group:
        group.start_soon(_listen, terminal, channels)
        while piece := await terminal.read():
            await channels.send(STDOUT if piece.stream == "stdout" else STDERR, piece.data)
        group.cancel_scope.cancel()


async def _listen(terminal: Terminal, channels: Channels) -> None:
    async for channel, data in channels:
        if channel == STDIN and data:
            await terminal.write(data)
        elif channel == STDIN:
            await terminal.close_input()
        elif channel == RESIZE:
            size = orjson.loads(data)
            await terminal.resize(width=size["Width"], height=size["Height"])
