"""Which finished Sessions have been kept long enough: too old, too many, or too large together."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path


class Keep(Struct, frozen=True):
    """How much is kept of what is finished: not older, not more of them, not larger together (bytes)."""

    age: timedelta = timedelta(days=30)
    number: int = 500
    size: int = 10_000_000_000


class Finished(Struct, frozen=True):
    """A Session that is done: since when, and how much its folder holds."""

    name: str
    time: datetime
    size: int


def surplus(finished: Iterable[Finished], keep: Keep, now: datetime) -> list[str]:
    """Return the names of those to delete, the oldest first."""
    gone: list[str] = []
    total = 0
    for number, one in enumerate(sorted(finished, key=lambda one: one.time, reverse=True)):
        total += one.size
        if number >= keep.number or now - one.time > keep.age or total > keep.size:
            gone.append(one.name)
    return gone[::-1]


def size_of(folder: Path) -> int:
    """Return how many bytes the files of a folder hold; what vanishes meanwhile holds none."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total
