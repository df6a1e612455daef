"""Prints logs as they come, without holding up whoever writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio.to_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from upright.client.cli.log_styles import Printer
    from upright.client.logs import LogLine


class Out(Protocol):
    """Where to print: a terminal or a file."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> object: ...


async def print_logs(batches: AsyncIterator[Sequence[LogLine]], printer: Printer, out: Out) -> None:
    """Print until the batches end; a slow terminal holds up a thread only. Raises BrokenPipeError."""

    def write(text: str) -> None:
        out.write(text.encode("utf-8", "replace"))
        out.flush()

    async for lines in batches:
        if text := printer.text(lines):
            await anyio.to_thread.run_sync(write, text)
