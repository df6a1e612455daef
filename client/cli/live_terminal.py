"""A terminal with a frame at its bottom: what is written scrolls above it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from upright.client.cli.live_frame import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import BinaryIO

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # in between the terminal shows nothing half-done, if it knows this
_ERASE_BELOW = "\x1b[J"
_STYLES = ("\x1b[31m", "\x1b[36m", "\x1b[2m", "\x1b[32m", "\x1b[0m")


def wanted(when: str, log: str, environment: Mapping[str, str], *, terminal: bool) -> bool:
    """Decide whether there is a live view: what the flag says, else whether somebody looks at a terminal that can."""
    if when != "auto" or not terminal:
        return when == "always"
    return log in {"all", "failures"} and environment.get("TERM", "dumb") != "dumb" and not environment.get("CI")


class LiveTerminal:
    """Writes to ``out``; ``size`` tells columns and lines. Any thread may call; the cursor is always below the frame.

    Nothing but the frame itself is ever changed: no other screen, no hidden cursor. Whatever ends the process, what was
    printed stands there.
    """

    def __init__(self, out: BinaryIO, size: Callable[[], tuple[int, int]]) -> None:
        self._out = out
        self._size = size
        self._frame: list[str] = []
        self._lock = threading.Lock()
        self._closed = False

    @property
    def size(self) -> tuple[int, int]:
        """The terminal's columns and lines."""
        return self._size()

    def write(self, data: bytes) -> None:
        """Print whole lines above the frame."""
        with self._lock:
            self._send(self._erased() + data.decode("utf-8", "replace"), self._frame)

    def flush(self) -> None:
        """Everything is written at once."""

    def paint(self, lines: Sequence[str]) -> None:
        """Show another frame."""
        with self._lock:
            if not self._closed and list(lines) != self._frame:
                self._send(self._erased(), lines)

    def close(self) -> None:
        """Take the frame away, for good."""
        with self._lock:
            if not self._closed:
                self._send(self._erased(), ())
                self._closed = True

    def _erased(self) -> str:
        """Return what takes the frame away; a terminal that became narrower has wrapped its lines."""
        if not self._frame:
            return ""
        columns = max(self._size()[0], 1)
        rows = sum(max(-(-columns_of(_unstyled(line)) // columns), 1) for line in self._frame)
        return f"\x1b[{rows}F{_ERASE_BELOW}"

    def _send(self, before: str, lines: Sequence[str]) -> None:
        self._frame = list(lines)
        text = before + "".join(f"{line}\n" for line in lines)
        framed = f"{_BEGIN}{text}{_END}" if self._frame or before else text
        self._out.write(framed.encode("utf-8", "replace"))
        self._out.flush()


def _unstyled(line: str) -> str:
    for style in _STYLES:
        line = line.replace(style, "")
    return line
