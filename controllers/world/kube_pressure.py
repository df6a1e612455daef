"""How many writes go to a server at once: ever more while it takes them, half as many once it says that it is too much."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from upright.controllers.world.kube_patience import is_too_much
from upright.openapi.errors import APIError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

FIRST, MOST = 10, 40
CALM_SECONDS = 0.5
"""For how long further complaints are about what was sent before the last halving."""


class Pressure:
    """A limit that follows what the server says."""

    def __init__(self, *, first: int = FIRST, most: int = MOST) -> None:
        self._most = most
        self._size = float(first)
        self._halved_at = -math.inf
        self._limiter = anyio.CapacityLimiter(first)

    @property
    def at_once(self) -> int:
        """How many writes may be under way now."""
        return int(self._size)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for a turn to write; how the write ends within decides how many come next."""
        async with self._limiter:
            try:
                yield
            except APIError as error:
                if is_too_much(error):
                    self._halve()
                raise
            self._resize(self._size + 1.0 / self._size)

    def _halve(self) -> None:
        now = anyio.current_time()
        if now - self._halved_at >= CALM_SECONDS:
            self._halved_at = now
            self._resize(self._size / 2)

    def _resize(self, size: float) -> None:
        self._size = min(max(size, 1.0), float(self._most))
        self._limiter.total_tokens = int(self._size)
