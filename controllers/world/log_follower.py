"""Reads the logs as they grow, at its own speed: it is told how far the files have got, and reads them itself."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from upright.client.log_folder import Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from upright.client.log_folder import LogFolder, Selection, Span
    from upright.client.logs import LogLine

BATCH_LINES = 1000


class LogFollower:
    """An async iterator of batches of lines, in the order in which they were written. Use it as a context.

    Nothing is lost and nothing is kept: a slow reader finds in the files what it has not read yet. It ends when the
    logs are finished and all is read.
    """

    def __init__(
        self,
        folder: LogFolder,
        selection: Selection,
        closed: Callable[[LogFollower], None],
        seen: dict[str, int] | None = None,
    ) -> None:
        self._folder = folder
        self._selection = selection
        self._closed = closed
        self._seen = seen or {}
        self._grown: dict[Span, int] = {}
        self._lines: Iterator[LogLine] = iter(())
        self._news = anyio.Event()
        self._finished = False

    def grown(self, span: Span, size: int) -> None:
        """Hear that the span's file has this size now."""
        if self._selection.takes(span):
            self._grown[span] = size
            self._news.set()

    def finish(self) -> None:
        """Hear that nothing will come any more."""
        self._finished = True
        self._news.set()

    def close(self) -> None:
        """Follow no longer."""
        self._closed(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[LogLine]:
        await anyio.lowlevel.checkpoint()
        while True:
            if batch := list(islice(self._lines, BATCH_LINES)):
                return batch
            if self._grown:
                self._lines = self._folder.lines(self._new_pieces(), self._selection)
                self._selection = self._selection._replace(tail=None)  # it was said of what was there at first
            elif self._finished:
                raise StopAsyncIteration
            else:
                self._news = anyio.Event()
                await self._news.wait()

    def _new_pieces(self) -> list[Piece]:
        pieces = [Piece(span, self._seen.get(span.name, 0), size) for span, size in self._grown.items()]
        self._grown.clear()
        self._seen.update((piece.span.name, piece.end) for piece in pieces)
        return pieces
