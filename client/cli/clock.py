"""The clock of a command, to be handed to whoever lays out ages."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the moment."""
    return datetime.now(UTC)  # noqa: TID251  reason: this is the clock that is handed in
