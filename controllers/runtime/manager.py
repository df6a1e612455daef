"""Starts controllers in order: mirrors first, then workers; and waits for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import anyio

from upright.controllers.runtime.controller import Controller, Loop
from upright.controllers.runtime.turn import Caches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from anyio.abc import TaskStatus

    from upright.client.client import Client
    from upright.openapi.meta import Model


class Service(Protocol):
    """Runs beside the controllers, on the same mirrors: they are in when it starts."""

    async def run(self, *, task_status: TaskStatus[None]) -> None: ...


class Manager:
    """A set of controllers over one client; ``services`` are made from its mirrors, as controllers are.

    ``clean`` is what each status goes through before it is written.
    """

    def __init__(
        self,
        client: Client,
        clock: Callable[[], datetime],
        controllers: Iterable[Controller[Any]],
        clean: Callable[[Model], Model] | None = None,
    ) -> None:
        self.caches = Caches(client, clean)
        self.loops = [Loop(controller, self.caches, clock) for controller in controllers]
        self.services: list[Service] = []

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled; says started when the mirrors are in and the workers wait."""
        async with anyio.create_task_group() as mirrors, anyio.create_task_group() as workers:
            async with anyio.create_task_group() as first:
                for informer in self.caches:
                    first.start_soon(mirrors.start, informer.run)
            for loop in self.loops:
                loop.start(workers)
            for service in self.services:
                await workers.start(service.run)
            task_status.started()
