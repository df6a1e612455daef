"""A container's log as text: with or without times, cut where the reader wants it cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.meta import parse_time

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from typing import TypeAlias

    from upright.controllers.world.engine.protocol import LogLine

    Again: TypeAlias = Callable[[datetime | None], AbstractAsyncContextManager[AsyncIterator[LogLine]]]


async def to_the_end(lines: AsyncIterator[LogLine], again: Again) -> AsyncGenerator[LogLine]:
    """Yield a log that is followed, then what the engine still has: dockerd drops a last line without its line feed.

    ``again`` opens the log, as far as it goes, from a moment on.
    """
    last, count = "", 0
    async for line in lines:
        count = count + 1 if line.time == last else 1
        last = line.time
        yield line
    passed = 0
    async with again(parse_time(last) if last else None) as rest:
        async for line in rest:  # what was told already comes first
            if last and line.time == last and passed < count:
                passed += 1
            elif passed or not last:
                yield line  # noqa: ASYNC119  reason: who opens it closes it


async def log_text(
    lines: AsyncIterator[LogLine], *, timestamps: bool = False, limit_bytes: int | None = None
) -> AsyncIterator[bytes]:
    """Yield the log's bytes; a very long line comes in pieces, of which the first has the time."""
    left = limit_bytes
    begins = {"stdout": True, "stderr": True}
    async for line in lines:
        data = line.data
        if timestamps and begins[line.stream]:
            data = line.time.encode() + b" " + data
        begins[line.stream] = line.data.endswith(b"\n")
        if left is not None:
            data = data[:left]
            left -= len(data)
        if data:
            yield data
        if left == 0:
            return
