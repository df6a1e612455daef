"""Whether to print in colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def coloured(when: str, environment: Mapping[str, str], *, terminal: bool) -> bool:
    """Decide it: what the flag says, else NO_COLOR, FORCE_COLOR and TERM, else whether somebody looks."""
    if when != "auto":
        return when == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") != "0":
        return True
    return terminal and environment.get("TERM") != "dumb"
