"""The lines at the bottom of a terminal that say how a run is doing: one a resource, failures first; a pure function."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

State = Literal["failed", "moving", "waiting", "healthy"]

LEAST_COLUMNS, LEAST_LINES = 40, 10
"""A smaller terminal shows the log alone."""

_ORDER: tuple[State, ...] = ("failed", "moving", "waiting")
_MARKS = {"failed": "✗", "moving": "•", "waiting": "·", "healthy": "✓"}
_COLOURS = {"failed": "\x1b[31m", "moving": "\x1b[36m", "waiting": "\x1b[2m", "healthy": "\x1b[32m"}
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_NAME_COLUMNS = 30


class Row(NamedTuple):
    """How a resource is: since when, and what it does or waits for."""

    name: str
    state: State
    since: datetime | None
    what: str


class Head(NamedTuple):
    """What stands above: where the dashboard is, and since when all this goes on."""

    url: str
    since: datetime


def frame(head: Head, rows: Sequence[Row], size: tuple[int, int], now: datetime, *, colour: bool) -> list[str]:
    """Return the lines for a terminal of this size (columns, lines), none of them longer; none for one that is too small."""
    columns, lines = size
    if columns < LEAST_COLUMNS or lines < LEAST_LINES or not rows:
        return []
    columns -= 1  # the last column makes some terminals wrap
    healthy = [row for row in rows if row.state == "healthy"]
    open_rows = sorted(
        (row for row in rows if row.state != "healthy"), key=lambda row: (_ORDER.index(row.state), _age(row, now))
    )
    room = max(lines // 2 - 2, 3)
    shown = open_rows if len(open_rows) <= room else open_rows[: room - 1]
    width = min(max((columns_of(row.name) for row in shown), default=0), _NAME_COLUMNS, columns // 3)
    made = [_title(head, len(healthy), len(rows), columns, now)]
    made += [_line(row, width, columns, now) for row in shown]
    if rest := open_rows[len(shown) :]:
        made.append(cut(f"  … and {_counts(rest)}", columns))
    if healthy:
        made.append(cut(f"✓ {', '.join(row.name for row in healthy)}", columns))
    return [_painted(line) for line in made] if colour else made


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(_columns(character) for character in text)


def cut(text: str, columns: int) -> str:
    """Return the text on one line, in so many columns at most: what is longer ends in an ellipsis."""
    text = "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)
    if columns_of(text) <= columns:
        return text
    kept, left = [], columns - 1
    for character in text:
        left -= _columns(character)
        if left < 0:
            break
        kept.append(character)
    return f"{''.join(kept)}…"


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _age(row: Row, now: datetime) -> float:
    return -(now - row.since).total_seconds() if row.since is not None else 0.0


def _title(head: Head, healthy: int, count: int, columns: int, now: datetime) -> str:
    said = f"── {healthy} of {count} healthy, {seconds((now - head.since).total_seconds())} ── {head.url} "
    return cut(said + "─" * max(columns - columns_of(said), 0), columns)


def _line(row: Row, width: int, columns: int, now: datetime) -> str:
    name = cut(row.name, width)
    name += " " * (width - columns_of(name))
    age = seconds((now - row.since).total_seconds()) if row.since is not None else ""
    return cut(f"{_MARKS[row.state]} {name}  {age:>6}  {row.what}", columns)


def _counts(rows: Sequence[Row]) -> str:
    counted = [(state, sum(row.state == state for row in rows)) for state in _ORDER]
    return ", ".join(f"{count} more {state}" for state, count in counted if count)


def _painted(line: str) -> str:
    state = next((state for state, mark in _MARKS.items() if line.startswith(f"{mark} ")), None)
    return f"{_COLOURS[state]}{line}{_PLAIN}" if state is not None else f"{_DIM}{line}{_PLAIN}"


def seconds(count: float) -> str:
    """Return ``7s``, ``2m05s`` or ``1h02m``."""
    whole = max(int(count), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"
