"""The clock of a server's process, to be handed to whoever needs dates."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the moment."""
    return datetime.now(UTC)  # noqa: TID251  reason: this is the clock that is handed in
