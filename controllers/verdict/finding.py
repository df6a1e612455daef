"""What a rule found: something that is wrong, with its place and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    ``due`` is when it counts as red: None means at once, a later date that it is tolerated until then.
    ``log_of`` names pod and container whose last lines show it.
    """

    rule: str
    path: tuple[str, ...]
    message: str
    since: datetime | None = None
    due: datetime | None = None
    exit_code: int | None = None
    image: str = ""
    log_of: tuple[str, str] | None = None
    recoverable: bool = True

    def is_red(self, now: datetime) -> bool:
        """Whether the tolerance is used up."""
        return self.due is None or now >= self.due
