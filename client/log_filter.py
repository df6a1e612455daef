"""Which lines of a log are wanted, as Tilt's filters have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from upright.client.logs import Level, LogLine

Source = Literal["all", "build", "runtime"]

ANCHORED = frozenset({"WARN", "ERROR"})
"""The levels that stand out, and that can be asked for alone."""
_SEVERITY = {"DEBUG": 10, "VERBOSE": 20, "INFO": 30, "WARN": 40, "ERROR": 50}


class LogFilter(NamedTuple):
    """Which lines are wanted.

    ``level`` WARN or ERROR means exactly that level, as in Tilt; anything else all. ``least`` is what ``--verbose``
    and ``--debug`` lower. Lines that frame a build (field buildEvent) pass whatever the source and level.
    """

    resources: frozenset[str] = frozenset()
    level: Level | None = None
    source: Source = "all"
    least: Level = "INFO"

    def takes(self, line: LogLine) -> bool:
        if self.resources and line.resource not in self.resources:
            return False
        if line.fields.get("buildEvent"):
            return True
        if self.source != "all" and (self.source == "build") != is_build(line.span):
            return False
        if self.level in ANCHORED:
            return line.level == self.level
        return _SEVERITY.get(line.level, 30) >= _SEVERITY[self.least]


def is_build(span: str) -> bool:
    """Return whether the span is a build's, as Tilt's clients tell it."""
    return span.startswith(("build:", "cmdimage:"))
