"""Pods' log, exec, attach and portforward: from what the server hears to what the node agent does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio

from upright.controllers.node.pod_access import LogOptions
from upright.openapi.errors import BadRequest
from upright.openapi.meta import parse_time
from upright.openapi.subresources import RESIZE, STDERR, STDIN, STDOUT, exit_status

if TYPE_CHECKING:
    from upright.controllers.node.pod_access import PodAccess
    from upright.controllers.world.engine.protocol import ExecTerminal, Terminal
    from upright.openapi.subresources import Ask, Channels, Sink, Subresources

CHUNK_BYTES = 65536


def register(subresources: Subresources, access: PodAccess) -> None:
    """Have the server answer for pods."""
    subresources.writes("pods", "log", partial(_log, access))
    subresources.talks("pods", "exec", partial(_exec, access))


async def _log(access: PodAccess, ask: Ask, sink: Sink) -> None:
    options = LogOptions(
        container=ask.one("container"),
        follow=ask.flag("follow"),
        previous=ask.flag("previous"),
        timestamps=ask.flag("timestamps"),
        tail_lines=_number(ask, "tailLines"),
        limit_bytes=_number(ask, "limitBytes"),
        since_seconds=_number(ask, "sinceSeconds"),
        since_time=parse_time(ask.one("sinceTime")) if ask.one("sinceTime") else None,
    )
    async with access.log(ask.namespace, ask.name, options) as chunks:
        async for chunk in chunks:
            await sink.write(chunk)


def _number(ask: Ask, parameter: str) -> int | None:
    text = ask.one(parameter)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise BadRequest(f'{parameter}: want a whole number, got "{text}"') from None


async def _exec(access: PodAccess, ask: Ask, channels: Channels) -> None:
    command = ask.query.get("command", ())
    if not command:
        raise BadRequest("you must specify at least one command for the container")
    opened = await access.exec(
        ask.namespace, ask.name, ask.one("container"), command, stdin=ask.flag("stdin"), tty=ask.flag("tty")
    )
    async with opened as terminal, anyio.create_task_group() as group:
        group.start_soon(_feed, channels, terminal)
        await _tell(terminal, channels)
        await channels.end(exit_status(await terminal.exit_code()))
        group.cancel_scope.cancel()


async def _tell(terminal: ExecTerminal, channels: Channels) -> None:
    while (piece := await terminal.read()) is not None:
        await channels.send(STDOUT if piece.stream == "stdout" else STDERR, piece.data)


async def _feed(channels: Channels, terminal: Terminal) -> None:
    """Carry what the client types and how large its window is."""
    import json  # noqa: PLC0415  reason: for window sizes only

    async for channel, data in channels:
        if channel == STDIN:
            if data:
                await terminal.write(data)
            else:
                await terminal.close_input()
        elif channel == RESIZE and data:
            size = json.loads(data)
            await terminal.resize(width=int(size["Width"]), height=int(size["Height"]))
