"""The answers that do not end by themselves: they end when the client has gone, and first of all when the server stops."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from upright.apiserver.app.exchange import Exchange

STALLED_SECONDS = 30.0
"""A reader that takes nothing for so long is cut off; until then its backlog is bounded by storage."""


class OpenAnswers:
    """Knows every open answer of a server: a web server waits for them before it stops, for ever if nobody tells them."""

    def __init__(self) -> None:
        self._open: dict[anyio.CancelScope, Exchange | None] = {}
        self.closed = False

    def __len__(self) -> int:
        return len(self._open)

    async def until(
        self,
        gone: Callable[[], Awaitable[None]],
        work: Callable[[], Awaitable[None]],
        exchange: Exchange | None = None,
    ) -> bool:
        """Do the work until it is done (True), or the client has gone, or the server stops (False).

        Raises what the work raises, and not in a group. ``gone`` returns when the client has left. If ``exchange`` is
        what the work writes to, its client is cut off when it stalls.
        """
        done, failure = False, None
        async with anyio.create_task_group() as group:

            async def hang_up() -> None:
                await gone()
                group.cancel_scope.cancel()

            with self._one(group.cancel_scope, exchange):
                group.start_soon(hang_up)
                try:
                    await work()
                    done = True
                except Exception as error:  # noqa: BLE001  reason: raised again below, outside the group
                    failure = error
            group.cancel_scope.cancel()
        if failure:
            raise failure
        return done

    @contextmanager
    def _one(self, scope: anyio.CancelScope, exchange: Exchange | None) -> Generator[None]:
        """Have the scope cancelled when the server ends; at once, if it has ended already."""
        if self.closed:
            scope.cancel()
        self._open[scope] = exchange
        try:
            yield
        finally:
            del self._open[scope]

    def close(self) -> None:
        """End every answer, and those that begin from now on."""
        self.closed = True
        for scope in tuple(self._open):
            scope.cancel()

    async def cut_stalled(self, seconds: float = STALLED_SECONDS) -> None:
        """Cut off, for as long as this runs, every reader that took nothing between one look and the next.

        One look for all of them, because a timer for every piece of every watch costs more than the piece.
        """
        seen: dict[Exchange, int] = {}
        while True:
            await anyio.sleep(seconds)
            waiting = {found: found.pieces for found in self._open.values() if found and found.waiting}
            for exchange, pieces in waiting.items():
                if seen.get(exchange) == pieces:
                    exchange.abort()
            seen = waiting
