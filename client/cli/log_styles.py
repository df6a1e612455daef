"""How ``upright ci`` prints its log: as Tilt does, plainly, or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from upright.client.cli.log_lines import MAIN_TILTFILE, NAME_COLUMNS, LogPrinter
from upright.client.log_filter import LogFilter, is_build

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.client.cli.options import LogMode
    from upright.client.logs import LogLine


class Printer(Protocol):
    """Turns lines into what is printed."""

    def text(self, lines: Iterable[LogLine]) -> str:
        """Return the lines that are wanted, line feeds included."""
        ...


class JsonPrinter:
    """Prints an object a line: time, resource, span, level, text, and Tilt's fields where there are any."""

    def __init__(self, wanted: LogFilter | None = None) -> None:
        self._wanted = wanted or LogFilter()

    def text(self, lines: Iterable[LogLine]) -> str:
        """Return the lines that are wanted, an object a line."""
        return "".join(f"{_json(line)}\n" for line in lines if self._wanted.takes(line))


class TiltJsonPrinter:
    """Prints an object a line with the names that ``tilt logs --json`` gives them; what is empty is there too."""

    def __init__(self, wanted: LogFilter | None = None) -> None:
        self._wanted = wanted or LogFilter()

    def text(self, lines: Iterable[LogLine]) -> str:
        """Return the lines that are wanted, an object a line."""
        return "".join(f"{_tilt_json(line)}\n" for line in lines if self._wanted.takes(line))


def full_prefix(resource: str) -> str:
    """Return what stands before each line of a resource: Tilt's columns, but the whole name."""
    return "" if resource in {"", MAIN_TILTFILE} else f"{resource:>{NAME_COLUMNS}} │ "


def plain_prefix(resource: str) -> str:
    """Return the name and nothing else, for readers that take no columns."""
    return "" if resource in {"", MAIN_TILTFILE} else f"{resource}: "


def no_prefix(resource: str) -> str:
    """Return nothing: who speaks is said above."""
    del resource
    return ""


def printer_of(mode: LogMode, wanted: LogFilter, *, colour: bool) -> Printer:
    """Return what prints lines as they come in this mode."""
    if mode == "json":
        return JsonPrinter(wanted)
    if mode == "plain":
        return LogPrinter(wanted, prefix=plain_prefix)
    return LogPrinter(wanted, colour=colour, prefix=full_prefix)


def _tilt_json(line: LogLine) -> str:
    told = {
        "time": _moment(line),
        "resource": line.resource,
        "level": line.level.lower(),
        "message": line.text,
        "spanID": line.span,
        "progressID": line.fields.get("progressID", ""),
        "buildEvent": line.fields.get("buildEvent", ""),
        "source": "build" if is_build(line.span) else "runtime",
    }
    return json.dumps(told, ensure_ascii=False)


def _moment(line: LogLine) -> str:
    return f"{line.time.isoformat(timespec='microseconds')[:26]}Z"


def _json(line: LogLine) -> str:
    told = {
        "time": _moment(line),
        "resource": line.resource,
        "span": line.span,
        "level": line.level,
        "text": line.text,
    }
    return json.dumps(told | ({"fields": dict(line.fields)} if line.fields else {}), ensure_ascii=False)
