"""Events on their way: told without waiting, recorded one after the other in the order they were told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

    from upright.controllers.node.events import EventType, Recorder
    from upright.openapi.meta import Object

WAITING = 10_000
_Told = tuple["Object", "EventType", str, str, str]

_log = logging.getLogger(__name__)


class EventQueue:
    """Hands events to the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._sending, self._told = anyio.create_memory_object_stream[_Told](WAITING)

    def tell(self, about: Object, kind: EventType, reason: str, message: str, part: str = "") -> None:
        """Have an event recorded; ``part`` is a place in the object, such as ``spec.containers{web}``. Never waits."""
        try:
            self._sending.send_nowait((about, kind, reason, message, part))
        except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            _log.warning("event lost: %s %s: %s", about.name, reason, message)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Record until cancelled."""
        task_status.started()
        with self._told, self._sending:
            async for about, kind, reason, message, part in self._told:
                await self._recorder.record(about, kind, reason, message, field_path=part)
