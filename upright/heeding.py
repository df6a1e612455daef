"""The signals that ask a run to end: heard from its first moment on, and told to whoever works by then."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import anyio

from upright.client.cli.interruption import asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio.abc import TaskStatus


class Heeding:
    """Remembers the signals that came."""

    def __init__(self) -> None:
        self._came: list[signal.Signals] = []
        self._tell: Callable[[signal.Signals], None] | None = None

    async def listen(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Hear signals until cancelled."""
        with anyio.open_signal_receiver(*asked()) as received:
            task_status.started()
            async for number in received:
                self._came.append(signal.Signals(number))
                if self._tell is not None:
                    self._tell(signal.Signals(number))

    def tell(self, hear: Callable[[signal.Signals], None]) -> None:
        """Have each signal told, those first that came already."""
        self._tell = hear
        for number in self._came:
            hear(number)
