"""The docker CLIs of this machine, and whether they can build with BuildKit."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import anyio

from upright.controllers.world.processes import Command, StartFailed, capture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.controllers.world.processes import Processes

_VERSION = re.compile(r"version (\d+)\.(\d+)")
_FIRST_BUILT_IN = (18, 9)
_FIRST_WITHOUT = (23, 0)
_PLACES = (os.environ.get("PATH", os.defpath), "/usr/local/bin", "/usr/bin")


class DockerCommands:
    """The docker CLIs of this machine, asked once what they can; ``processes`` runs them."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self._asking = anyio.Lock()
        self._builder: tuple[str, ...] | None = None
        self._asked = False

    async def builder(self) -> tuple[str, ...] | None:
        """Return what to call for a build with BuildKit, None if no CLI has it. All are asked at once; the first of the PATH wins.

        From 23 on, the CLI has it in a plugin, before that within itself.
        """
        async with self._asking:
            if not self._asked:
                programs = tuple(_programs())
                found: dict[str, tuple[str, ...]] = {}
                async with anyio.create_task_group() as group:
                    for program in programs:
                        group.start_soon(self._ask, program, found)
                self._builder = next((found[program] for program in programs if program in found), None)
                self._asked = True
        return self._builder

    async def _ask(self, program: str, found: dict[str, tuple[str, ...]]) -> None:
        told: dict[str, str | None] = {}

        async def ask(question: str, *words: str) -> None:
            told[question] = await _says(self.processes, (program, *words))

        async with anyio.create_task_group() as group:
            group.start_soon(ask, "plugin", "buildx", "version")
            group.start_soon(ask, "version", "--version")
        version = _VERSION.search(told["version"] or "")
        if told["plugin"] is not None:
            found[program] = (program, "buildx", "build")
        elif version and _FIRST_BUILT_IN <= (int(version[1]), int(version[2])) < _FIRST_WITHOUT:
            found[program] = (program, "build")


def _programs() -> Iterator[str]:
    """Yield the docker CLIs there are, each once, in the order of the PATH."""
    seen: set[str] = set()
    for folder in os.pathsep.join(_PLACES).split(os.pathsep):
        program = shutil.which("docker", path=folder)
        if program and os.path.realpath(program) not in seen:
            seen.add(os.path.realpath(program))
            yield program


async def _says(processes: Processes, argv: tuple[str, ...]) -> str | None:
    try:
        told = await capture(processes, Command(argv, "", dict(os.environ)))
    except StartFailed:
        return None
    return None if told.exit.reason else told.stdout.decode(errors="replace")
