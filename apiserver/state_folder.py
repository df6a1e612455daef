"""Where a server keeps what it writes."""

from __future__ import annotations

import os
from pathlib import Path

DATABASE = "state.db"


def state_folder(asked: Path | None) -> Path:
    """Return the folder of a server's state: the one that was asked for, or the user's."""
    if asked is not None:
        return asked
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "upright" / "apiserver"
