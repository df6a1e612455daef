"""How long each call of a function took."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct, field

from upright.controllers.tiltfile.language.text import to_repr
from upright.openapi.meta import format_duration

if TYPE_CHECKING:
    from collections.abc import Generator

    from upright.controllers.tiltfile.language.values import Value


class Timings(Struct):
    """The calls in the order in which they began; noted only if they are ``wanted``."""

    wanted: bool = False
    calls: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def of(self, name: str, args: tuple[Value, ...]) -> Generator[None]:
        """Note how long what is inside takes."""
        at = len(self.calls)
        self.calls.append((f"{name}({', '.join(map(to_repr, args))})", 0.0))
        began = time.perf_counter()
        try:
            yield
        finally:
            self.calls[at] = (self.calls[at][0], time.perf_counter() - began)

    def table(self, least_seconds: float) -> str:
        """Return a line for each call that took as long, and one for all together."""
        lines = [f"- {name} took {_duration(took)}" for name, took in self.calls if took >= least_seconds]
        return "\n".join([*lines, f"Tiltfile execution took {_duration(time.perf_counter() - self.started)}"]) + "\n"


def _duration(seconds: float) -> str:
    from datetime import timedelta  # noqa: PLC0415  reason: only where times are shown

    return format_duration(timedelta(seconds=seconds))
