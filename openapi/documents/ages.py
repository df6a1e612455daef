"""How long ago, in the words kubectl uses: ``5s``, ``3m20s``, ``2d``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY

_STEPS: tuple[tuple[int, int, str, int, str], ...] = (
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)
"""Up to how many seconds, the unit and its letter, the smaller unit beside it and its letter."""


def age(since: str, now: datetime) -> str:
    """Return the age of an RFC 3339 moment; ``<unknown>`` where there is none or it cannot be read."""
    from upright.openapi.meta import parse_time  # noqa: PLC0415  reason: the command line needs span() without pydantic

    if not since:
        return "<unknown>"
    try:
        moment = parse_time(since)
    except ValueError:
        return "<unknown>"
    return span((now - moment).total_seconds())


def span(seconds: float) -> str:
    """Return a length of time in at most two units."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    whole = max(whole, 0)
    for below, unit, letter, smaller, small_letter in _STEPS:
        if whole < below:
            rest = whole % unit // smaller if smaller else 0
            return f"{whole // unit}{letter}" + (f"{rest}{small_letter}" if rest else "")
    return f"{whole // _YEAR}y"
