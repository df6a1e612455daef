"""Removes what is left of pods that are gone: deleted by force, finished, or left by a process before us."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from upright.controllers.node.bell import Bell
from upright.controllers.node.labels import POD_UID
from upright.controllers.world.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from anyio.abc import TaskStatus

    from upright.controllers.node.addresses import Addresses
    from upright.controllers.world.engine.protocol import Engine

RETRY_SECONDS = 5.0
PERIOD_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps when a pod is gone, and now and then; never a pod that somebody works on."""

    def __init__(self, engine: Engine, labels: Mapping[str, str], addresses: Addresses) -> None:
        self._engine = engine
        self._labels = dict(labels)
        self._addresses = addresses
        self._bell = Bell()
        self._working: set[str] = set()
        self._gone: set[str] = set()

    def gone(self, uid: str) -> None:
        """Have everything of this pod removed as soon as nobody works on it."""
        self._gone.add(uid)
        self._bell.ring()

    @contextmanager
    def at_work(self, uid: str) -> Generator[None]:
        """Leave this pod alone meanwhile."""
        self._working.add(uid)
        try:
            yield
        finally:
            self._working.discard(uid)
            if uid in self._gone:
                self._bell.ring()

    async def run(
        self, exists: Callable[[str], bool], *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Sweep until cancelled; ``exists`` says whether there is a pod of that uid."""
        task_status.started()
        pause = 0.0
        while True:
            await self._bell.wait(pause)
            try:
                await self._sweep(exists, everything=not self._gone)
                pause = PERIOD_SECONDS
            except EngineError as error:
                _log.warning("what is left of deleted pods stays a while: %s", error)
                pause = RETRY_SECONDS

    async def _sweep(self, exists: Callable[[str], bool], *, everything: bool) -> None:
        if everything:
            found = {one.labels.get(POD_UID, "") for one in await self._engine.containers(self._labels)}
            self._gone |= {uid for uid in found if uid and not exists(uid)}
        for uid in self._gone - self._working:
            await self._engine.reap({POD_UID: uid})
            self._addresses.give_back(uid)
            self._gone.discard(uid)
