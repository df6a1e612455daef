"""What a command prints, cut into lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_LINE_BYTES = 64 * 1024


class Lines:
    """Turns bytes into text of whole lines; call it with each piece, and ``close`` it at the end.

    ``emit`` gets one or more lines at a time, each with its line feed. Invalid UTF-8 is replaced, a line that is too
    long is cut, and the last one is completed.
    """

    def __init__(self, emit: Callable[[str], None], *, longest: int = LONGEST_LINE_BYTES) -> None:
        self._emit = emit
        self._longest = longest
        self._rest = b""

    def __call__(self, data: bytes) -> None:
        head, feed, tail = data.rpartition(b"\n")
        if feed:
            self._send(self._rest + head + feed)
            self._rest = tail
        else:
            self._rest += data
        while len(self._rest) > self._longest:
            cut = _character_border(self._rest, self._longest)
            self._send(self._rest[:cut] + b"\n")
            self._rest = self._rest[cut:]

    def close(self) -> None:
        """Emit what is left of an unfinished line."""
        if self._rest:
            self._send(self._rest + b"\n")
            self._rest = b""

    def _send(self, data: bytes) -> None:
        self._emit(data.decode("utf-8", "replace"))


def _character_border(data: bytes, place: int) -> int:
    """Return the last place at or before this one where no UTF-8 character is cut."""
    for border in range(place, max(place - 4, 0), -1):
        if data[border] & 0xC0 != 0x80:  # not a continuation byte
            return border
    return place
