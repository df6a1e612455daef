"""What a build gets of a folder: a tar without what is ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ignore:
    """Patterns in .dockerignore's syntax, relative to ``base``; no patterns: all below it."""

    base: Path
    patterns: tuple[str, ...] = ()
