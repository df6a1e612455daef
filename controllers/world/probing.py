"""When to ask a server how it is, and what its answers come to: Kubernetes' rules, as pure decisions and one loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FIRST_PAUSE_SECONDS = 0.1
_PAUSE_GROWTH = 1.25  # so that ready is seen at most a quarter of the time it took later


class Timing(Struct, frozen=True):
    """A probe's timing in seconds and its thresholds.

    ``eager`` probes ask often at first, until they pass or their pauses have grown to the period: for readiness and
    startup. What fails in between does not count, so the thresholds mean what they mean in Kubernetes.
    """

    initial_delay: float = 0.0
    period: float = 10.0
    timeout: float = 1.0
    success: int = 1
    failure: int = 3
    eager: bool = False

    @classmethod
    def of(cls, initial_delay: float, period: float, timeout: float, success: int, failure: int) -> Timing:
        """Return the timing with Kubernetes' defaults where a number is 0."""
        return cls(initial_delay, period or 10.0, timeout or 1.0, success or 1, failure or 3)


class Answer(Struct, frozen=True):
    """What one asking found: whether the server is well, and what it said."""

    well: bool
    text: str = ""


class Sight(Struct, frozen=True):
    """What the answers come to so far.

    ``passing`` is None until one of the thresholds is reached for the first time; ``streak`` counts the answers of the
    ``latest`` sort in a row; ``due`` is when to ask next.
    """

    due: float
    passing: bool | None = None
    latest: bool | None = None
    streak: int = 0
    counted: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    eager: bool = False


def begin(timing: Timing, now: float) -> Sight:
    """Return the state of a probe whose server started now."""
    return Sight(due=now + timing.initial_delay, eager=timing.eager)


def observe(timing: Timing, sight: Sight, answer: Answer, asked: float, now: float) -> Sight:
    """Return the state after an answer that was asked for and came at these times."""
    return _pass(timing, sight, asked, now) if answer.well else _fail(timing, sight, asked, now)


def _pass(timing: Timing, sight: Sight, asked: float, now: float) -> Sight:
    streak = sight.streak + 1 if sight.latest else 1
    passing = True if streak >= timing.success else sight.passing
    due = max(now, asked + timing.period)
    return replace(sight, due=due, passing=passing, latest=True, streak=streak, counted=asked, eager=False)


def _fail(timing: Timing, sight: Sight, asked: float, now: float) -> Sight:
    first = sight.latest is not False
    counts = first or not sight.eager or asked >= sight.counted + timing.period
    streak = 1 if first else sight.streak + counts
    passing = False if streak >= timing.failure else sight.passing
    failed = replace(sight, passing=passing, latest=False, streak=streak, counted=asked if counts else sight.counted)
    if not sight.eager:
        return replace(failed, due=max(now, asked + timing.period))
    due = max(now, min(asked + sight.pause, failed.counted + timing.period))
    pause = sight.pause * _PAUSE_GROWTH
    return replace(failed, due=due, pause=pause, eager=pause < timing.period)


async def ask_forever(
    timing: Timing, ask: Callable[[], Awaitable[Answer]], told: Callable[[Sight, Sight, Answer], None]
) -> None:
    """Ask when it is due, until cancelled; ``told`` hears the state before and after each answer."""
    sight = begin(timing, anyio.current_time())
    while True:
        await anyio.sleep_until(sight.due)
        asked = anyio.current_time()
        answer = Answer(well=False, text=f"probe timed out after {timing.timeout:g}s")
        with anyio.move_on_after(timing.timeout):
            answer = await ask()
        before, sight = sight, observe(timing, sight, answer, asked, anyio.current_time())
        told(before, sight, answer)
