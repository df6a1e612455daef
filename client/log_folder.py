"""The logs of a run: a folder of append-only files, one a span, and an index that says whose they are."""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import deque
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from upright.client.logs import TIME_BYTES, LogLine, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

INDEX = "index.jsonl"
_LONGEST_NAME = 200
_CHUNK_BYTES = 256 * 1024


class Span(NamedTuple):
    """What writes a log: its name, the resource it belongs to, its file's name."""

    name: str
    resource: str
    file: str


class Selection(NamedTuple):
    """Which lines: of a resource, of a span, from a moment on, the last so many; empty means all."""

    resource: str | None = None
    span: str = ""
    since: datetime | None = None
    tail: int | None = None

    def takes(self, span: Span) -> bool:
        return (self.resource is None or span.resource == self.resource) and (not self.span or span.name == self.span)


class Piece(NamedTuple):
    """A part of a span's file, from one offset to another."""

    span: Span
    start: int
    end: int


class LogFolder:
    """Reads the logs of a run, while they are written or later."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def spans(self) -> list[Span]:
        """Return the spans in the order in which they began."""
        try:
            rows = (self.path / INDEX).read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        return [Span(**json.loads(row)) for row in rows if row.endswith(b"\n")]

    def size(self, span: Span) -> int:
        try:
            return (self.path / span.file).stat().st_size
        except FileNotFoundError:
            return 0

    def ends_whole(self, span: Span) -> bool:
        """Return whether the span's file ends with a line feed, as it does unless its writer was killed."""
        size = self.size(span)
        return not size or self._chunk(span, size - 1, 1) == b"\n"

    def read(self, selection: Selection) -> Iterator[LogLine]:
        """Yield the lines that are there now, in the order in which they were written."""
        pieces = [Piece(span, 0, self.size(span)) for span in self.spans() if selection.takes(span)]
        return self.lines(pieces, selection)

    def lines(self, pieces: Iterable[Piece], selection: Selection) -> Iterator[LogLine]:
        """Yield the lines of these pieces in the order in which they were written, memory bounded by their number."""
        if selection.tail is not None:
            pieces = [self._tail(piece, selection.tail) for piece in pieces]
        streams = [self._stamped(piece) for piece in pieces if piece.start < piece.end]
        merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=itemgetter(0))
        lines = (decode(line, span.resource, span.name) for _, line, span in merged)
        found = (line for line in lines if line and (selection.since is None or line.time >= selection.since))
        return found if selection.tail is None else iter(deque(found, maxlen=selection.tail))

    def _stamped(self, piece: Piece) -> Iterator[tuple[bytes, bytes, Span]]:
        """Yield time, line, span; the file is open only while a chunk is read: there may be thousands."""
        span, at, end = piece
        rest = b""
        while at < end:
            data = self._chunk(span, at, min(_CHUNK_BYTES, end - at))
            if not data:
                return
            at += len(data)
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                yield line[:TIME_BYTES], line, span

    def _chunk(self, span: Span, at: int, size: int) -> bytes:
        with (self.path / span.file).open("rb", buffering=0) as file:
            file.seek(at)
            return file.read(size)

    def _tail(self, piece: Piece, lines: int) -> Piece:
        """Return the end of the piece that has at most that many lines."""
        start, before = piece.end, lines + 1  # the line feed before the first line wanted
        while start > piece.start and before > 0:
            size = min(_CHUNK_BYTES, start - piece.start)
            start -= size
            data = self._chunk(piece.span, start, size)
            at = len(data)
            while before > 0 and (at := data.rfind(b"\n", 0, at)) >= 0:
                before -= 1
            if not before:
                return piece._replace(start=start + at + 1)
        return piece._replace(start=piece.start)


def file_name(span: str) -> str:
    """Return the name of the span's file: the span's own where a file system takes it."""
    name = quote(span, safe=":@+=,() ")
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(span.encode()).hexdigest()[:12]}"
    return f"{name}.log"
