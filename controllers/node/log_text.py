"""A container's log as text: with or without times, cut where the reader wants it cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from upright.controllers.world.engine.protocol import LogLine


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
