"""Where the controllers of a shared server keep the files of a Session: a folder for each in ``sessions`` of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOGS = "logs"
_UID_LENGTH = 8


def session_folder(state: Path, name: str, uid: str) -> Path:
    """Return the Session's folder; the uid tells it from an earlier one of its name."""
    return state / "sessions" / f"{name}-{uid[:_UID_LENGTH]}"
