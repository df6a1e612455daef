"""``/log`` of Sessions and Resources: what was logged, and with ``follow`` what is logged from now on."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, get_args

import anyio.to_thread
import orjson
from msgspec import Struct

from upright.client.log_filter import LogFilter, Source
from upright.client.log_folder import Selection
from upright.openapi.errors import BadRequest
from upright.openapi.meta import format_micro_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from upright.apiserver.app.hosted_logs import HostedLogs
    from upright.apiserver.tilt.log_desk import Following, LogDesk, LogSource
    from upright.client.logs import LogLine
    from upright.openapi.meta import Json
    from upright.openapi.subresources import Ask, Sink, Subresources

RESOURCES, SESSIONS = "tilt.dev/resources", "tilt.dev/sessions"
_BATCH_LINES = 1000
_FURTHER = 8
_LEVELS = {"": None, "warn": "WARN", "error": "ERROR"}
_LEAST = ("INFO", "VERBOSE", "DEBUG")
_SOURCES: tuple[str, ...] = get_args(Source)
_FORMATS = ("text", "json")


class _Asked(Struct, frozen=True):
    selection: Selection
    wanted: LogFilter
    tail: int | None
    follow: bool
    encoded: Callable[[LogLine], bytes]


class RunLogs:
    """Answers from the logs of the server's own run, or of a Session it hosts; ``now`` is for ``sinceSeconds``."""

    def __init__(self, desk: LogDesk, hosted: HostedLogs, now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._hosted = hosted
        self._now = now

    def register(self, subresources: Subresources) -> None:
        """Have it asked."""
        subresources.writes(RESOURCES, "log", self.write)
        subresources.writes(SESSIONS, "log", self.write)

    async def write(self, ask: Ask, sink: Sink) -> None:
        """Write the lines that are wanted; of a Session all, or those of the resources that are named."""
        asked = _asked(ask, self._now())
        if ask.partition:
            await _written(self._hosted.of(ask.partition), asked, sink)
            return
        source = self._desk.source
        if source is None and asked.follow:
            await sink.write(b"")
            source = await self._desk.opened()
        if source is not None:
            await _written(source, asked, sink)


async def _written(source: LogSource, asked: _Asked, sink: Sink) -> None:
    following = source.subscribe() if asked.follow else None
    last: datetime | None = None
    if asked.tail is not None:
        lines = await _last(source, asked.selection, asked.wanted, asked.tail)
        last = lines[-1].time if lines else None
        shown = [line for line in lines if asked.wanted.takes(line)]
        await sink.write(_text(asked, shown[max(len(shown) - asked.tail, 0) :]))
    else:
        past = source.read(asked.selection)
        while lines := await anyio.to_thread.run_sync(_some, past):
            last = lines[-1].time
            await sink.write(await anyio.to_thread.run_sync(_text, asked, lines))
    if following is not None:
        await _followed(following, asked, last, sink)


async def _followed(following: Following, asked: _Asked, last: datetime | None, sink: Sink) -> None:
    """Write the lines to come; one that was written just now may be in the past already."""
    await sink.write(b"")
    mine = asked.selection.resource
    async with following as batches:
        async for lines in batches:
            new = [line for line in lines if last is None or line.time > last]
            await sink.write(_text(asked, [line for line in new if mine is None or line.resource == mine]))


async def _last(source: LogSource, selection: Selection, wanted: LogFilter, tail: int) -> list[LogLine]:
    """Return the end of the log that has so many lines that are wanted."""
    read = tail
    while True:
        lines = await anyio.to_thread.run_sync(list, source.read(selection._replace(tail=read)))
        if sum(map(wanted.takes, lines)) >= tail or len(lines) < read:
            return lines
        read *= _FURTHER


def _some(lines: Iterator[LogLine]) -> list[LogLine]:
    return list(islice(lines, _BATCH_LINES))


def _text(asked: _Asked, lines: Iterable[LogLine]) -> bytes:
    return b"".join(asked.encoded(line) for line in lines if asked.wanted.takes(line))


def _asked(ask: Ask, now: datetime) -> _Asked:
    """Read the query. Raises BadRequest."""
    resources = frozenset(ask.query.get("resource", ()))
    one = (
        ask.name
        if ask.kind.definition.resource == RESOURCES
        else next(iter(resources))
        if len(resources) == 1
        else None
    )
    try:
        since = parse_time(ask.one("sinceTime")) if ask.one("sinceTime") else None
        seconds = int(ask.one("sinceSeconds")) if ask.one("sinceSeconds") else None
        tail = max(int(ask.one("tailLines")), 0) if ask.one("tailLines") else None
        since = since or (now - timedelta(seconds=seconds) if seconds is not None else None)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"cannot read the query: {error}") from error
    wanted = LogFilter(
        resources,
        _LEVELS[_choice(ask, "level", tuple(_LEVELS))],  # type: ignore[arg-type]  # two of the levels, or none
        _choice(ask, "source", _SOURCES),  # type: ignore[arg-type]  # one of its choices
        _choice(ask, "least", _LEAST),  # type: ignore[arg-type]  # three of the levels
    )
    if _choice(ask, "format", _FORMATS) == "json":
        encoded = _json
    else:
        encoded = partial(_plain, named=one is None, stamped=ask.flag("timestamps"))
    return _Asked(Selection(one, since=since), wanted, tail, ask.flag("follow"), encoded)


def _choice(ask: Ask, name: str, choices: tuple[str, ...]) -> str:
    given = ask.one(name) or choices[0]
    if given not in choices:
        raise BadRequest(f'invalid query parameter {name}="{given[:40]}": one of {", ".join(filter(None, choices))}')
    return given


def _plain(line: LogLine, *, named: bool, stamped: bool) -> bytes:
    stamp = f"{format_micro_time(line.time)} " if stamped else ""
    name = f"{line.resource} │ " if named and line.resource else ""
    return f"{stamp}{name}{line.text}\n".encode("utf-8", "replace")


def _json(line: LogLine) -> bytes:
    told: Json = {"time": format_micro_time(line.time), "resource": line.resource, "span": line.span}
    told |= {"level": line.level, "text": line.text}
    if line.fields:
        told["fields"] = dict(line.fields)
    return orjson.dumps(told | ({"anchor": True} if line.anchor else {}), option=orjson.OPT_APPEND_NEWLINE)
