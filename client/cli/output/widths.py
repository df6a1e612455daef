"""Text in columns, aligned as kubectl aligns it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = 3
_LEAST = 6
NONE = "<none>"


def widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return how wide each column is, with the gap behind it."""
    return [max(_LEAST, max(map(len, column)) + _GAP) for column in zip(*rows, strict=True)]


def line(row: Sequence[str], wide: Sequence[int]) -> str:
    """Return a row; the last cell ends it, and one that is too long for its column moves the others."""
    cells = [f"{cell:<{max(width, len(cell) + _GAP)}}" for cell, width in zip(row[:-1], wide, strict=False)]
    return "".join([*cells, row[-1] if row else ""]) + "\n"
