"""Where everything that is said during a run goes: append-only files, one a span, that anybody may read and follow."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from upright.client.log_folder import INDEX, LogFolder, Piece, Selection, Span, file_name
from upright.client.logs import Level, LogLine, encode
from upright.controllers.world.log_follower import LogFollower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

FLUSH_SECONDS = 0.02
"""How long a line may wait for others before it is written."""

_FLUSH_BYTES = 1 << 20
_TICK = timedelta(microseconds=1)

_log = logging.getLogger(__name__)


class LogWriter(Protocol):
    """Writes the log of one span. Any thread may write."""

    def write(self, text: str, *, level: Level = "INFO", fields: Mapping[str, str] | None = None) -> None:
        """Write a message of one or more lines; a missing line feed at its end is added. Never waits, never fails."""
        ...


class _SpanLog(Struct, eq=False):
    logs: Logs
    about: Span
    size: int = 0
    torn: bool = False  # whether an earlier process may have left half a line
    pending: bytearray = field(default_factory=bytearray)

    def write(self, text: str, *, level: Level = "INFO", fields: Mapping[str, str] | None = None) -> None:
        self.logs.append(self, text, level, fields)


class Logs:
    """The logs of a run. Use it as a context in the event loop's thread; leaving it writes what is pending.

    ``clock`` tells UTC. Each message gets a moment of its own, so that the order of the moments is the order of the
    writes, over all spans. ``scrub`` takes secrets out before anything is stored.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime], scrub: Callable[[str], str] | None = None) -> None:
        self.folder = LogFolder(path)
        self._clock = clock
        self._scrub = scrub
        self._lock = threading.Lock()
        self._spans: dict[str, _SpanLog] = {}
        self._dirty: dict[_SpanLog, None] = {}
        self._index = bytearray()
        self._pending = 0
        self._last = datetime.min.replace(tzinfo=UTC)
        self._armed = False
        self._finished = False
        self._told = False
        self._followers: list[LogFollower] = []

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self.folder.path.mkdir(parents=True, exist_ok=True)
        for span in self.folder.spans():
            self._spans[span.name] = _SpanLog(self, span, self.folder.size(span), torn=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def open(self, span: str, resource: str) -> LogWriter:
        """Return the writer of a span of a resource ("": nobody's); a span that is known goes on where it was."""
        with self._lock:
            known = self._spans.get(span)
            if known is None:
                about = Span(span, resource, file_name(span))
                self._index += json.dumps(about._asdict(), separators=(",", ":")).encode() + b"\n"
                known = self._spans[span] = _SpanLog(self, about)
            return known

    def read(self, selection: Selection) -> Iterator[LogLine]:
        """Yield the lines written so far."""
        self.flush()
        spans = [span for span in self._spans.values() if selection.takes(span.about)]
        return self.folder.lines([Piece(span.about, 0, span.size) for span in spans], selection)

    def tail(self, span: str, lines: int) -> list[str]:
        """Return the text of a span's last lines."""
        return [line.text for line in self.read(Selection(span=span, tail=lines))]

    def size(self, endings: tuple[str, ...]) -> int:
        """Return how many bytes there are in the spans whose names end in one of these ways."""
        return sum(span.size for name, span in list(self._spans.items()) if name.endswith(endings))

    def last_time(self, span: str) -> datetime | None:
        """Return when the span's last line was written; None if it has none."""
        last = next(iter(self.read(Selection(span=span, tail=1))), None)
        return last.time if last is not None else None

    def follow(self, selection: Selection) -> LogFollower:
        """Return the lines written so far and then those to come, until the logs are finished."""
        self.flush()
        follower = self._follower(LogFollower(self.folder, selection, self._drop))
        for span in self._spans.values():
            follower.grown(span.about, span.size)
        return follower

    def subscribe(self) -> LogFollower:
        """Return all lines to come, until the logs are finished."""
        self.flush()
        seen = {span.about.name: span.size for span in self._spans.values()}
        return self._follower(LogFollower(self.folder, Selection(), self._drop, seen))

    def finish(self) -> None:
        """Write what is pending and let the followers come to their end; later writes still reach their files."""
        self.flush()
        self._finished = True
        for follower in self._followers:
            follower.finish()

    def append(self, span: _SpanLog, text: str, level: str, fields: Mapping[str, str] | None) -> None:
        """Take a message for a span; see ``LogWriter.write``."""
        if self._scrub:
            text = self._scrub(text)
        with self._lock:
            self._last = max(self._clock(), self._last + _TICK)
            data = encode(self._last, level, text, fields)
            span.pending += data
            self._dirty[span] = None
            self._pending += len(data)
            if self._armed and self._pending < _FLUSH_BYTES:
                return
            urgent = self._armed or self._finished
            self._armed = True
        self._on_loop(self.flush if urgent else self._arm)

    def flush(self) -> None:
        """Write what is pending; in the event loop's thread only."""
        with self._lock:
            index, self._index = self._index, bytearray()
            written = [(span, span.pending) for span in self._dirty]
            for span in self._dirty:
                span.pending = bytearray()
            self._dirty.clear()
            self._pending = 0
            self._armed = False
        try:
            self._append(INDEX, index)
            for span, data in written:
                self._write(span, data)
        except OSError as error:  # the disk is full, say: the run goes on without its logs
            self._failed([span for span, _ in written], error)
        for follower in self._followers:
            for span, _ in written:
                follower.grown(span.about, span.size)

    def _failed(self, spans: Iterable[_SpanLog], why: OSError) -> None:
        if not self._told:
            _log.error("cannot write the logs in %s: %s: lines are lost", self.folder.path, why.strerror)
            self._told = True
        for span in spans:
            span.size = self.folder.size(span.about)
            span.torn = True

    def _on_loop(self, call: Callable[[], None]) -> None:
        if threading.get_ident() == self._thread:
            call()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _arm(self) -> None:
        self._loop.call_later(FLUSH_SECONDS, self.flush)

    def _write(self, span: _SpanLog, data: bytearray) -> None:
        if span.torn:
            span.torn = False
            if not self.folder.ends_whole(span.about):
                data = bytearray(b"\n") + data
        span.size += self._append(span.about.file, data)

    def _append(self, name: str, data: bytearray) -> int:
        if not data:
            return 0
        file = os.open(self.folder.path / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
        finally:
            os.close(file)
        return len(data)

    def _drop(self, follower: LogFollower) -> None:
        self._followers = [other for other in self._followers if other is not follower]

    def _follower(self, follower: LogFollower) -> LogFollower:
        if self._finished:
            follower.finish()
        self._followers.append(follower)
        return follower
