"""An event loop that never waits: when nothing can run, its clock jumps to the next thing that is due."""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

R = TypeVar("R")
BEGINNING = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Stuck(AssertionError):
    """Nothing is due, and nothing will ever happen."""


class _Jumping(selectors.SelectSelector):
    """Waits for nobody; says how far the clock has to go instead."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is due any more: this run never ends")
        if timeout > 0:
            self.loop.moment += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs in virtual time, which begins at 0; threads and sockets have no place in it."""

    def __init__(self) -> None:
        self.moment = 0.0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.moment


def run(function: Callable[..., Awaitable[R]], *arguments: Any) -> R:  # noqa: ANN401  reason: as anyio.run has it
    """Run the function in virtual time."""
    return anyio.run(function, *arguments, backend_options={"loop_factory": VirtualLoop})


def date(seconds: float) -> datetime:
    """Return the date of a moment of the loop's clock."""
    return BEGINNING + timedelta(seconds=seconds)


def now() -> datetime:
    """Return the date that it is in virtual time."""
    return date(anyio.current_time())
