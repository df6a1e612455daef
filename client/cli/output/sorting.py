"""Objects in the order of what a path leads to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from upright.client.cli.output.jsonpath import relaxed
from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.client.cli.connection import Json

_DIGITS = re.compile(r"(\d+)")


def in_order(bodies: Sequence[Json], path: str, *, under: str = "") -> list[Json]:
    """Return the objects (each the field ``under`` of its row, if named) by the path's value; those without one first.

    Raises WrongUsage for a path that leads nowhere in any of them.
    """
    read = relaxed(path)
    found = [(read.values(body[under] if under else body), body) for body in bodies]
    if bodies and not any(values for values, _ in found):
        raise WrongUsage(f"--sort-by: no object has {path}")
    return [body for _, body in sorted(found, key=lambda pair: _rank(pair[0][0] if pair[0] else None))]


def _rank(value: Any) -> tuple[int, Any]:  # noqa: ANN401  reason: any JSON value
    if value is None:
        return (0, 0)
    if isinstance(value, (bool, int, float)):
        return (1, value)
    return (2, _natural(str(value)))


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key by which web2 comes before web10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in _DIGITS.split(text) if part]
