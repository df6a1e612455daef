"""The log of a Session, a Resource or a Pod, line by line as the server sends it."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

from upright.client.logs import LogLine
from upright.openapi.meta import format_micro_time

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from upright.client.transport import FarTransport, Request

LogLines = AbstractAsyncContextManager["AsyncIterator[LogLine]"]
_OURS = "tilt.dev"


class LogOptions(TypedDict, total=False):
    """Which lines: ``since`` a moment or so long ago; ``container`` and ``previous`` are for pods."""

    follow: bool
    tail: int
    since: datetime | timedelta
    container: str
    previous: bool


@asynccontextmanager
async def log_lines(
    transport: FarTransport, request: Request, options: LogOptions
) -> AsyncGenerator[AsyncIterator[LogLine]]:
    """Open the log. Raises NotFound, and where it breaks off ServiceUnavailable."""
    ours = request.kind.definition.group == _OURS
    read: Callable[[bytes], LogLine]
    if ours:
        query, read = [("format", "json")], _ours
    else:
        query, read = [("timestamps", "true")], _Pods(request.name, options.get("container", ""))
    async with (
        transport.lines(request.with_query(*query, *_asked(options))) as raw,
        aclosing(_read(raw, read)) as lines,
    ):
        yield lines


async def _read(raw: AsyncIterator[bytes], read: Callable[[bytes], LogLine]) -> AsyncGenerator[LogLine]:
    async for line in raw:
        if line:
            yield read(line)


def _asked(options: LogOptions) -> list[tuple[str, str]]:
    asked: list[tuple[str, str]] = []
    if "tail" in options:
        asked.append(("tailLines", str(options["tail"])))
    match options.get("since"):
        case datetime() as moment:
            asked.append(("sinceTime", format_micro_time(moment)))
        case timedelta() as span:
            asked.append(("sinceSeconds", str(max(int(span.total_seconds()), 1))))
        case None:
            pass
    asked += [(name, "true") for name in ("follow", "previous") if options.get(name)]
    container = options.get("container")
    return [*asked, ("container", container)] if container else asked


def _ours(raw: bytes) -> LogLine:
    said = json.loads(raw)
    moment, fields = datetime.fromisoformat(said["time"]), said.get("fields") or {}
    return LogLine(moment, said["resource"], said["span"], said["level"], said["text"], fields, "anchor" in said)


class _Pods:
    """Reads the lines of a pod's container, which begin with their time."""

    def __init__(self, pod: str, container: str) -> None:
        self._pod = pod
        self._span = f"pod:{pod}:{container}" if container else f"pod:{pod}"

    def __call__(self, raw: bytes) -> LogLine:
        stamp, _, text = raw.decode("utf-8", "replace").partition(" ")
        return LogLine(datetime.fromisoformat(stamp), self._pod, self._span, "INFO", text)
