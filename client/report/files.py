"""Files that a run writes at its end: whether they can be written is known before it begins, and none is ever half there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def obstacle(path: str) -> str:
    """Return why the file cannot be written; nothing if it can."""
    target = Path(path)
    folder = target.absolute().parent
    if target.is_dir():
        return "it is a folder"
    if not folder.is_dir():
        return f"the folder {folder} does not exist"
    if target.exists() and not target.is_file():
        return "" if os.access(target, os.W_OK) else "it cannot be written to"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"the folder {folder} cannot be written to"
    return "" if not target.exists() or os.access(target, os.W_OK) else "it cannot be written to"


def write_whole(path: str, text: str) -> None:
    """Write the file so that whoever looks sees the old one or all of the new one. Raises OSError."""
    target = Path(path)
    data = text.encode("utf-8", "replace")
    if target.exists() and not target.is_file():  # /dev/stdout, a pipe: nothing to replace
        target.write_bytes(data)
        return
    target = target.resolve()
    made = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
    try:
        with made.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        made.replace(target)
    except OSError:
        with suppress(OSError):
            made.unlink()
        raise
