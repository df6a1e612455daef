"""Hears from the engine what happens to pods' containers, and wakes who has to look."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio

from upright.controllers.node.labels import POD_UID
from upright.controllers.world.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anyio.abc import TaskStatus

    from upright.controllers.world.engine.protocol import Engine

ACTIONS = ("start", "die", "oom", "destroy")
AGAIN_SECONDS = 1.0

_log = logging.getLogger(__name__)


class ContainerEvents:
    """One subscription for all pods; ``look`` gets a pod's uid, or nothing: then anything may have happened."""

    def __init__(self, engine: Engine, labels: Mapping[str, str], look: Callable[[str], None]) -> None:
        self._engine = engine
        self._labels = dict(labels)
        self._look = look

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled; a lost subscription is opened again."""
        told = False
        while True:
            try:
                async with self._engine.events(self._labels, ACTIONS) as events:
                    if not told:
                        task_status.started()
                        told = True
                    self._look("")
                    async for event in events:
                        self._look(event.attributes.get(POD_UID, ""))
            except EngineError as error:
                if not told:
                    raise
                _log.warning("the engine's events are lost: %s", error)
            await anyio.sleep(AGAIN_SECONDS)
