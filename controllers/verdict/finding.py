"""What a rule found: something that is wrong, with its place, since when, and how long that is tolerated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta


class Finding(Struct, frozen=True):
    """Something that is wrong.

    ``tolerance`` is how long it may be so, from ``since`` on: None means that it is red at once. ``held``: something
    may still help, so the time does not count yet. ``due`` is when it becomes red, once that is known (``counted``).
    ``log_of`` names pod and container whose last lines show it; ``recoverable`` ones are what a grace period is for.
    """

    rule: str
    path: tuple[str, ...]
    message: str
    since: datetime | None = None
    tolerance: timedelta | None = None
    held: bool = False
    due: datetime | None = None
    exit_code: int | None = None
    image: str = ""
    log_of: tuple[str, str] | None = None
    events: tuple[str, ...] = ()
    recoverable: bool = True

    @property
    def key(self) -> str:
        """What it is known by from one look to the next."""
        return "/".join((self.rule, *self.path))

    def is_red(self, now: datetime) -> bool:
        """Whether the tolerance is used up."""
        if self.held:
            return False
        return self.tolerance is None or (self.due is not None and now >= self.due)


def counted(
    found: Iterable[Finding], excused: Mapping[str, datetime | None], now: datetime
) -> tuple[tuple[Finding, ...], dict[str, datetime | None]]:
    """Return the findings with the date when each is due, and what must be remembered to count on at the next look.

    What was held and is not any more has its whole time from now on: whatever helped may need a moment to show.
    """
    dated: list[Finding] = []
    kept: dict[str, datetime | None] = {}
    for one in found:
        if one.held:
            kept[one.key] = None
        elif one.tolerance is not None:
            start = one.since
            if one.key in excused or start is None:
                start = kept[one.key] = excused.get(one.key) or now
            one = replace(one, due=start + one.tolerance)  # noqa: PLW2901  reason: it is dated from here on
        dated.append(one)
    return tuple(dated), kept
