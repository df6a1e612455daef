"""Which part of the past may be forgotten next: by age, by number, by bytes; in small steps."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from upright.apiserver.storage.records import Loaded, Retention

MARKS = 16


class _Mark(NamedTuple):
    """At this time it was this revision, and so many bytes had been written."""

    time: float
    revision: int
    written: int


class Forgetting:
    """Remembers roughly when which revision was, and how much was written until then; decides, and does nothing."""

    def __init__(self, retention: Retention, loaded: Loaded, now: float) -> None:
        self._retention = retention
        self._written = loaded.past_bytes
        self._marks = deque([_Mark(now, loaded.compacted, 0), _Mark(now, loaded.revision, self._written)])

    def note(self, now: float, revision: int, size: int) -> None:
        """Take in that it is this revision now, and that so many bytes more were written."""
        self._written += size
        time, marked, written = self._marks[-1]
        kept = self._retention
        if revision > marked and (now - time >= kept.age / MARKS or self._written - written >= kept.size / MARKS):
            self._marks.append(_Mark(now, revision, self._written))

    def target(self, now: float, revision: int, compacted: int) -> int:
        """Return up to where the next step of compaction may forget: not above ``compacted`` if there is none to do."""
        kept = self._retention
        limit = revision - kept.events
        while len(self._marks) > 1 and self._marks[1].revision <= compacted:
            self._marks.popleft()
        surplus = self._written - kept.size
        for before, mark in zip(self._marks, list(self._marks)[1:], strict=False):
            if mark.time <= now - kept.age or before.written < surplus:
                limit = max(limit, mark.revision)
        return min(limit, compacted + kept.step, revision)

    def look_again_after(self, revision: int, compacted: int) -> float | None:
        """Return in how many seconds something may have become old though nothing is written; None if there is nothing."""
        return None if compacted >= revision else self._retention.age / MARKS
