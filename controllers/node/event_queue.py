"""Events on their way: told without waiting, recorded one after the other in the order they were told."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

import anyio

from upright.controllers.node.bell import Bell

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
        self._told: deque[_Told] = deque()
        self._bell = Bell()

    def tell(self, about: Object, kind: EventType, reason: str, message: str, part: str = "") -> None:
        """Have an event recorded; ``part`` is a place in the object, such as ``spec.containers{web}``. Never waits."""
        if len(self._told) < WAITING:
            self._told.append((about, kind, reason, message, part))
            self._bell.ring()
        else:
            _log.warning("event lost: %s %s: %s", about.name, reason, message)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Record until cancelled."""
        task_status.started()
        while True:
            await self._bell.wait(None)
            while self._told:
                about, kind, reason, message, part = self._told.popleft()
                await self._recorder.record(about, kind, reason, message, field_path=part)
