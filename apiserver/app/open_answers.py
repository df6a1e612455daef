"""The answers that do not end by themselves: they end when the client has gone, and first of all when the server stops."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator


class OpenAnswers:
    """Knows every open answer of a server: a web server waits for them before it stops, for ever if nobody tells them."""

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()
        self.closed = False

    def __len__(self) -> int:
        return len(self._open)

    async def until(self, gone: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[None]]) -> bool:
        """Do the work until it is done (True), or the client has gone, or the server stops (False).

        Raises what the work raises, and not in a group. ``gone`` returns when the client has left.
        """
        done, failure = False, None
        async with anyio.create_task_group() as group:

            async def hang_up() -> None:
                await gone()
                group.cancel_scope.cancel()

            with self._one(group.cancel_scope):
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
    def _one(self, scope: anyio.CancelScope) -> Generator[None]:
        """Have the scope cancelled when the server ends; at once, if it has ended already."""
        if self.closed:
            scope.cancel()
        self._open.add(scope)
        try:
            yield
        finally:
            self._open.discard(scope)

    def close(self) -> None:
        """End every answer, and those that begin from now on."""
        self.closed = True
        for scope in tuple(self._open):
            scope.cancel()
