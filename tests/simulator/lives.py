"""The life of one pod: the facts of its story, each with its moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from tests.simulator.stories import MISSING, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.stories import PodStory

PROBE_SECONDS = 0.02
_MOST_CRASHES = 14
_MOST_PULLS = 12
FIRST_PULL_PAUSE_SECONDS = 10.0


class Fact(Struct):
    """What happened to a pod, and when; ``code`` is an exit code, ``text`` what the cluster says about it."""

    at: float
    what: str
    code: int = 0
    text: str = ""


class Life:
    """Turns a story into facts."""

    def __init__(self, story: PodStory) -> None:
        self._story = story

    def facts(self, born: float) -> Iterator[Fact]:
        """Yield the facts of a pod that is made at this moment, in their order."""
        story, at = self._story, born + 0.01
        if story.schedule > 1.0:
            yield Fact(at, "unschedulable", text="0/1 nodes are available: 1 Insufficient cpu.")
        at += story.schedule
        if at == NEVER:
            return
        yield Fact(at, "scheduled")
        for fact in self._pulls(at):
            yield fact
            at = fact.at + FIRST_PULL_PAUSE_SECONDS
        if not story.pull_heals:
            return
        at += story.pull + 0.01
        if story.missing:
            yield Fact(at, "missing", text=MISSING)
            at += story.missing
        if at != NEVER:
            yield from self._runs(at)

    def _pulls(self, at: float) -> Iterator[Fact]:
        errors = self._story.pull_errors
        if not self._story.pull_heals:
            errors *= _MOST_PULLS
        pause = FIRST_PULL_PAUSE_SECONDS
        for error in errors:
            told = f'Failed to pull image "shop:1": {error}'
            yield Fact(at + 0.3, "pull-error", text=told)
            yield Fact(at + 0.6, "pull-backoff", text=f'Back-off pulling image "shop:1": ErrImagePull: {error}')
            at += pause
            pause = min(pause * 2, 300.0)

    def _runs(self, at: float) -> Iterator[Fact]:
        story, pause = self._story, 0.6
        for _ in range(min(story.crashes, _MOST_CRASHES)):
            yield Fact(at, "running")
            if story.probed and story.ready_after < story.crash_after:
                yield Fact(at + max(story.ready_after, PROBE_SECONDS), "ready")
            at += story.crash_after
            yield Fact(at, "crashed", story.exit_code)
            if pause > 1.0:
                yield Fact(at + 0.3, "backoff", text="back-off restarting failed container")
            at += pause
            pause = min(max(pause * 2, 10.0), 300.0)
        if story.crashes <= _MOST_CRASHES:
            yield Fact(at, "running")
            yield from self._serves(at)

    def _serves(self, began: float) -> Iterator[Fact]:
        story = self._story
        if story.probed and story.ready_after != NEVER:
            at = began + max(story.ready_after, PROBE_SECONDS)
            yield Fact(at, "ready")
            for after, lasts in story.pauses:
                if story.evicted == NEVER:
                    yield Fact(
                        at + after, "unready", text="Readiness probe failed: HTTP probe failed with statuscode: 503"
                    )
                    at += after + lasts
                    yield Fact(at, "ready")
        if story.evicted != NEVER:
            yield Fact(began + story.evicted, "evicted")
