"""Serves watches: a line of JSON an event, or Server-Sent Events for a browser, until one side has had enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import orjson

from upright.apiserver.app.asked import watch_options
from upright.apiserver.app.exchange import JSON
from upright.apiserver.app.forms import wanted
from upright.apiserver.app.rendering import include_object
from upright.openapi.documents.partial import partial
from upright.openapi.documents.tables import IncludeObject, table
from upright.openapi.errors import APIError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from upright.apiserver.app.exchange import Exchange
    from upright.apiserver.app.forms import Form
    from upright.apiserver.app.open_answers import OpenAnswers
    from upright.apiserver.options import Target
    from upright.apiserver.registry import Registry
    from upright.apiserver.streams import Stream, WatchEvent
    from upright.openapi.meta import Json
    from upright.openapi.scheme import Kind

    Encode = Callable[[Sequence[WatchEvent]], bytes]

_EVENTS = b"text/event-stream; charset=utf-8"
_UNBUFFERED = ((b"x-accel-buffering", b"no"),)


class Watches:
    """The watches of one registry; ``now`` is for the ages in tables."""

    def __init__(self, registry: Registry, answers: OpenAnswers, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._answers = answers
        self._now = now

    async def serve(self, exchange: Exchange, where: Target) -> None:
        """Answer with every change from where the client is; raises what goes wrong before the first."""
        form = wanted(exchange.header(b"accept"))
        include = include_object(exchange) if form.shape == "table" else "Metadata"
        events = form.shape == "events"
        encode = _encoder(where.kind.definition, form, include, self._now)
        stream = self._registry.watch(where, watch_options(exchange))
        with stream:
            await exchange.begin(_EVENTS if events else JSON, _UNBUFFERED)

            async def tell() -> None:
                try:
                    await _tell(exchange, stream, encode)
                except APIError as error:
                    await exchange.write(_error(error, events=events))

            await self._answers.until(exchange.disconnected, tell, exchange)
        with anyio.CancelScope(shield=True):
            await exchange.end()


async def _tell(exchange: Exchange, stream: Stream, encode: Encode) -> None:
    while told := await stream.take():
        await exchange.write(encode(told))


def _encoder(kind: Kind, form: Form, include: IncludeObject, now: Callable[[], datetime]) -> Encode:
    if form.shape == "events":
        return _frames
    if form.shape == "table":
        return _Tables(kind, form, include, now)
    if form.shape == "partial":
        version = f"meta.k8s.io/{form.version}"
        return lambda events: b"".join(_line(event.type, partial(event.stored.body, version)) for event in events)
    return _lines


def _lines(events: Sequence[WatchEvent]) -> bytes:
    return events[0].line if len(events) == 1 else b"".join([event.line for event in events])


class _Tables:
    """Encodes each event's object as a table of one row; only the first has the column definitions."""

    def __init__(self, kind: Kind, form: Form, include: IncludeObject, now: Callable[[], datetime]) -> None:
        self._kind = kind
        self._version = f"meta.k8s.io/{form.version}"
        self._include: IncludeObject = include
        self._now = now
        self._headed = True

    def __call__(self, events: Sequence[WatchEvent]) -> bytes:
        lines: list[bytes] = []
        for event in events:
            made = table(
                self._kind,
                [event.stored.body],
                self._now(),
                include=self._include,
                headed=self._headed,
                version=self._version,
            )
            made["metadata"] = {"resourceVersion": str(event.revision)}
            self._headed = False
            lines.append(_line(event.type, made))
        return b"".join(lines)


def _frames(events: Sequence[WatchEvent]) -> bytes:
    """Encode events for a browser: it reconnects by itself, and says by the last id where it was."""
    return b"".join([b"id: %d\ndata: %b\n" % (event.revision, event.line) for event in events])


def _error(error: APIError, *, events: bool) -> bytes:
    """Encode the end of a watch that failed; the empty id makes a browser begin anew."""
    line = _line("ERROR", error.to_status())
    return b"id\ndata: " + line + b"\n" if events else line


def _line(kind: str, body: Json) -> bytes:
    return orjson.dumps({"type": kind, "object": body}, option=orjson.OPT_APPEND_NEWLINE)
