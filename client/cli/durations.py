"""Spans of time on a command line: ``30s``, ``1h5m``, ``500ms``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from upright.client.cli.flags import Given

_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def seconds(given: Given, name: str) -> float:
    """Return a flag's span in seconds; negative ones too. Raises WrongUsage."""
    text = given.text(name)
    try:
        return parsed(text)
    except ValueError:
        raise WrongUsage(f'{given.source(name)}: "{text}" is no span of time, as in 30s, 5m or 1h30m') from None


def parsed(text: str) -> float:
    """Read ``1h5m`` as Go does. Raises ValueError."""
    rest = text.removeprefix("-").removeprefix("+")
    if rest == "0":
        return 0.0
    total, any_part = 0.0, False
    while rest:
        number = len(rest) - len(rest.lstrip("0123456789."))
        unit = len(rest[number:]) - len(rest[number:].lstrip("hmsunµ"))
        name = rest[number : number + unit]
        # a unit ends where the next number begins; "5m30s" never runs into "ms"
        total += float(rest[:number]) * _SECONDS[name] if name in _SECONDS else _raise(text)
        rest, any_part = rest[number + unit :], True
    if not any_part:
        _raise(text)
    return -total if text.startswith("-") else total


def _raise(text: str) -> float:
    raise ValueError(text)
