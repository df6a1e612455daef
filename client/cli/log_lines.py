"""How a log looks on a terminal: Tilt's format."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from upright.client.log_filter import ANCHORED, LogFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from upright.client.logs import LogLine

NAME_COLUMNS = 13
MAIN_TILTFILE = "(Tiltfile)"

_ANCHORS = {"WARN": "WARNING: ", "ERROR": "ERROR: "}
_COLOURS = {"WARN": "\x1b[33m", "ERROR": "\x1b[31m"}
_PLAIN = "\x1b[0m"
_PROGRESS_PAUSE = timedelta(seconds=5)  # doubled with each line that is shown


def source_prefix(resource: str) -> str:
    """Return what stands before each line of a resource; nothing for the Tiltfile and for what is nobody's."""
    if resource in {"", MAIN_TILTFILE}:
        return ""
    if len(resource) > NAME_COLUMNS:
        resource = f"{resource[: NAME_COLUMNS - 1]}…"
    return f"{resource:>{NAME_COLUMNS}} │ "


class LogPrinter:
    """Turns lines into the text to print; what it remembers is whether it printed yet, and progress shown lately."""

    def __init__(
        self,
        wanted: LogFilter | None = None,
        *,
        colour: bool = False,
        prefix: Callable[[str], str] = source_prefix,
    ) -> None:
        self._wanted = wanted or LogFilter()
        self._make_prefix = prefix
        self._colour = colour
        self._prefixes: dict[str, str] = {}
        self._plain = len(self._wanted.resources) == 1  # all lines would have the same name
        self._first = True
        self._progress: dict[tuple[str, str], tuple[datetime, timedelta]] = {}

    def text(self, lines: Iterable[LogLine]) -> str:
        """Return the lines that are wanted as they are printed, line feeds included."""
        return "".join(part for line in lines if self._wanted.takes(line) for part in self._parts(line))

    def _parts(self, line: LogLine) -> Iterator[str]:
        progress = line.fields.get("progressID")
        if progress and not self._due(line, progress):
            return
        prefix = self._prefix(line.resource)
        if line.fields.get("buildEvent") == "init" and not self._first:
            yield f"{prefix}\n"
        self._first = False
        yield f"{prefix}{self._anchor(line)}{line.text}\n"

    def _prefix(self, resource: str) -> str:
        if self._plain:
            return ""
        known = self._prefixes.get(resource)
        if known is None:
            known = self._prefixes[resource] = self._make_prefix(resource)
        return known

    def _anchor(self, line: LogLine) -> str:
        if not line.anchor or line.level not in ANCHORED:
            return ""
        anchor = _ANCHORS[line.level]
        return f"{_COLOURS[line.level]}{anchor.rstrip()}{_PLAIN} " if self._colour else anchor

    def _due(self, line: LogLine, progress: str) -> bool:
        """Say whether a line of progress is to be shown: the first, then after 5, 10, 20 … seconds."""
        key = (line.span, progress)
        shown = self._progress.get(key)
        if shown and not line.fields.get("progressMustPrint") and line.time - shown[0] <= shown[1]:
            return False
        self._progress[key] = (line.time, shown[1] * 2 if shown else _PROGRESS_PAUSE)
        return True
