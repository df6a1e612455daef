"""The folder in which Tilt's own clients keep what they know: where servers are, and the token of the web pages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT = 10350
_VARIABLES = ("TILT_DEV_DIR", "WMDAEMON_HOME", "WINDMILL_DIR")
_LONGEST_TOKEN_BYTES = 1024


def folder(environment: Mapping[str, str]) -> Path:
    """Return Tilt's folder, which need not exist; ``.windmill`` where an old Tilt made that."""
    for name in _VARIABLES:
        if given := environment.get(name):
            return Path(given).absolute()
    home = Path(environment.get("HOME") or Path.home())
    old = home / ".windmill"
    return old if old.exists() else home / ".tilt-dev"


def config_file(environment: Mapping[str, str]) -> Path:
    """Return the kubeconfig in which Tilt's clients look servers up."""
    given = environment.get("TILT_CONFIG")
    return Path(given).absolute() if given else folder(environment) / "config"


def context_name(port: int) -> str:
    """Return the name by which Tilt's clients look for the server of a port."""
    return "tilt-default" if port == DEFAULT_PORT else f"tilt-{port}"


def web_token(environment: Mapping[str, str]) -> str:
    """Return the token that Tilt's clients send to the web endpoints; nothing if there is none, or it is another user's.

    They make it themselves when they first need it.
    """
    path = folder(environment) / "token"
    try:
        with path.open("rb") as file:
            mine = os.fstat(file.fileno()).st_uid == os.geteuid()
            return file.read(_LONGEST_TOKEN_BYTES).decode("ascii").strip() if mine else ""
    except (OSError, UnicodeDecodeError):
        return ""
