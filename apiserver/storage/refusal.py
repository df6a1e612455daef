"""That the database takes no writes, since when: for who has to end then."""

from __future__ import annotations

import anyio


class Refusal:
    """Told of each commit, and of each that was refused."""

    def __init__(self) -> None:
        self._why = ""
        self._begun = anyio.Event()

    def refused(self, why: str) -> None:
        """Take note that a commit was refused."""
        self._why = why
        self._begun.set()

    def taken(self) -> None:
        """Take note that a commit was taken."""
        if self._why:
            self._why = ""
            self._begun = anyio.Event()

    async def lasting(self, seconds: float) -> str:
        """Return why, when nothing has been taken for so long since a commit was refused."""
        while True:
            await (begun := self._begun).wait()
            await anyio.sleep(seconds)
            if self._begun is begun:
                return self._why
