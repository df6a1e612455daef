"""The folder in which Upright keeps its runs: ``$XDG_STATE_HOME/upright``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def state_home(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder, which need not exist."""
    given = (os.environ if environment is None else environment).get("XDG_STATE_HOME")
    return (Path(given) if given else Path.home() / ".local" / "state") / "upright"
