"""Commands that run nowhere: each lives as its resource's story says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from msgspec import Struct

from upright.controllers.world.processes import Exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.stories import ResourceStory, Story
    from upright.controllers.world.processes import Command, Sink


class CommandLife(Struct):
    """When a process ran and how it ended; ``lost``: it was ended by us."""

    began: float
    ended: float | None = None
    code: int = 0
    lost: bool = False


class FakeProcess:
    """A process whose end is known."""

    def __init__(self, pid: int, life: CommandLife, story: ResourceStory) -> None:
        self._pid = pid
        self._life = life
        self._story = story
        self._over = anyio.Event()

    @property
    def pid(self) -> int:
        return self._pid

    async def wait(self) -> Exit:
        life = self._life
        with anyio.move_on_after(life.began + self._story.seconds - anyio.current_time()):
            await self._over.wait()
        if life.ended is None:
            life.ended, life.code = anyio.current_time(), self._story.code
        return Exit(life.code, killed=life.lost)

    async def end(self, grace: float = 0.0, say: Callable[[str], None] | None = None) -> Exit:
        del grace, say
        life = self._life
        if life.ended is None:
            life.ended, life.code, life.lost = anyio.current_time(), 143, True
            self._over.set()
        return Exit(life.code, killed=life.lost)


class Commands:
    """All processes of a run, by the name of their resource, which is their first argument."""

    def __init__(self, story: Story) -> None:
        self._stories = {one.name: one for one in story.resources}
        self.lives: dict[str, list[CommandLife]] = {}
        self._pids = 0

    def start(self, command: Command, stdout: Sink, stderr: Sink | None = None) -> FakeProcess:
        del stdout, stderr
        self._pids += 1
        life = CommandLife(anyio.current_time())
        name = command.args[0]
        self.lives.setdefault(name, []).append(life)
        return FakeProcess(self._pids, life, self._stories[name])
