"""What GitLab understands: sections in a job's log that can be folded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_CLEAR = "\r\x1b[0K"
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")


def section(title: str, text: str, begun: datetime, ended: datetime) -> str:
    """Return the text as a section, folded at first, that took from one moment to the other."""
    name = f"upright_{_NOT_A_NAME.sub('_', title)}"
    start = f"section_start:{int(begun.timestamp())}:{name}[collapsed=true]{_CLEAR}{' '.join(title.split())}\n"
    return f"{start}{text}section_end:{int(ended.timestamp())}:{name}{_CLEAR}\n"
