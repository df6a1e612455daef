"""A bell: rung by many, heard by one, and remembered until it is heard."""

from __future__ import annotations

import anyio


class Bell:
    """Wakes the one who waits; rung while nobody waits, the next wait returns at once."""

    def __init__(self) -> None:
        self._rung = anyio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, seconds: float | None) -> None:
        """Return when it is rung, or when the time is over (None: never)."""
        with anyio.move_on_after(seconds):
            await self._rung.wait()
        self._rung = anyio.Event()
