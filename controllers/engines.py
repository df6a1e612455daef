"""The container engine of the run: found or started at the first asking, kept until the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from upright.controllers.world.engine.errors import NoEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager

    from upright.controllers.world.engine.protocol import Engine


class Engines:
    """Gives the engine. ``run`` is a task of the process: it starts the engine when somebody asks, and ends it.

    ``prepare_builds`` is what else a build needs to know, and can be found out meanwhile.
    """

    def __init__(
        self,
        opener: Callable[[], AbstractAsyncContextManager[Engine]],
        prepare_builds: Callable[[], Coroutine[Any, Any, object]] | None = None,
    ) -> None:
        self._opener = opener
        self._prepare_builds = prepare_builds
        self._asked = anyio.Event()
        self._answered = anyio.Event()
        self._engine: Engine | None = None
        self._error: Exception | None = None

    async def get(self) -> Engine:
        """Return the engine, started if need be; raises NoEngine with what to do, or the engine's error."""
        self._asked.set()
        await self._answered.wait()
        if self._error is not None:
            raise self._error
        if self._engine is None:
            message = "the container engine has ended"
            raise NoEngine(message)
        return self._engine

    async def for_a_build(self) -> Engine:
        """Return the engine as ``get`` does; what its builds need is found out at the same time."""
        self._asked.set()
        async with anyio.create_task_group() as group:
            if self._prepare_builds is not None:
                group.start_soon(self._prepare_builds)
            await self._answered.wait()
        return await self.get()

    async def run(self) -> None:
        """Start the engine when it is asked for, and keep it until cancelled."""
        await self._asked.wait()
        try:
            async with self._opener() as engine:
                self._engine = engine
                self._answered.set()
                await anyio.sleep_forever()
        except Exception as error:  # noqa: BLE001  reason: whoever asks gets it
            self._error = error
            self._answered.set()
        finally:
            self._engine = None
