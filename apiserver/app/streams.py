"""The answers that do not end by themselves, so that shutting down can end them first."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    import anyio


class Streams:
    """Knows every open stream of a server; a web server waits for them before it stops, for ever if nobody tells them."""

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()
        self.closed = False

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def one(self, scope: anyio.CancelScope) -> Generator[None]:
        """Have the scope cancelled when the server ends; at once, if it has ended already."""
        if self.closed:
            scope.cancel()
        self._open.add(scope)
        try:
            yield
        finally:
            self._open.discard(scope)

    def close(self) -> None:
        """End every stream, and those that begin from now on."""
        self.closed = True
        for scope in tuple(self._open):
            scope.cancel()
