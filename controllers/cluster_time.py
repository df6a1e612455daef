"""A cluster whose clock is not ours: how far it is ahead, and its objects with their dates in our time; pure."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from upright.openapi.meta import format_micro_time, parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from upright.openapi.meta import Json

SAME = timedelta(seconds=1.5)
"""Clocks that differ by less are taken for the same: an answer's date is in whole seconds, and some way behind."""
_HALF = timedelta(seconds=0.5)
_DATES = frozenset(
    {
        "creationTimestamp",
        "deletionTimestamp",
        "lastTransitionTime",
        "lastProbeTime",
        "startTime",
        "startedAt",
        "finishedAt",
        "firstTimestamp",
        "lastTimestamp",
        "eventTime",
        "lastObservedTime",
    }
)


def clock_ahead(date_header: str | None, now: datetime) -> timedelta:
    """Return how far the clock is ahead of ours of a server whose answer came now, never too far; zero if that is little."""
    try:
        ahead = parsedate_to_datetime(date_header or "") - now
    except (ValueError, TypeError):
        return timedelta()
    return ahead if abs(ahead + _HALF) > SAME else timedelta()


def in_our_time(body: Json, ahead: timedelta) -> Json:
    """Return a copy of the object with the dates in its metadata, its status and, of an event, itself by our clock."""
    if not ahead:
        return body
    return {name: part if name == "spec" else _shifted(name, part, ahead) for name, part in body.items()}


def _shifted(name: str, part: Any, ahead: timedelta) -> Any:  # noqa: ANN401  reason: parts of a JSON document
    if isinstance(part, dict):
        return {key: _shifted(key, value, ahead) for key, value in part.items()}
    if isinstance(part, list):
        return [_shifted(name, one, ahead) for one in part]
    if name in _DATES and isinstance(part, str):
        try:
            return format_micro_time(parse_time(part) - ahead)
        except ValueError:
            return part
    return part
