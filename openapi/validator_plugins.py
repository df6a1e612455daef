"""pydantic's plugins, which a process of ours does without: to look for them reads what is said of every installed package."""

from __future__ import annotations

import sys
from types import ModuleType

_LOADER = "pydantic.plugin._loader"


def forgo() -> None:
    """Have pydantic ask nobody in this process; for processes that are all ours, before it makes its first class."""
    if _LOADER not in sys.modules:
        sys.modules[_LOADER] = loader = ModuleType(_LOADER)
        loader.__dict__["get_plugins"] = tuple
