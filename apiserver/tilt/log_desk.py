"""Where the server gets what is logged: whoever has the logs opens the desk, and until then there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager

    from upright.client.log_folder import Selection
    from upright.client.logs import LogLine

    Following = AbstractAsyncContextManager[AsyncIterator[list[LogLine]]]


class LogSource(Protocol):
    """The logs of a run; call it in the event loop's thread, the lines may then be read in another."""

    def read(self, selection: Selection, /) -> Iterator[LogLine]:
        """Return the lines written so far, in order."""
        ...

    def subscribe(self) -> Following:
        """Return the lines to come, until the logs are finished."""
        ...


class LogDesk:
    """Hands out the logs once somebody has brought them."""

    def __init__(self) -> None:
        self.source: LogSource | None = None
        self._opened = anyio.Event()

    async def opened(self) -> LogSource:
        """Wait for the logs, and return them."""
        while self.source is None:
            await self._opened.wait()
        return self.source

    def open(self, source: LogSource) -> None:
        """Have these logs handed out from now on."""
        self.source = source
        self._opened.set()
