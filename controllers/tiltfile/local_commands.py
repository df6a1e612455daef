"""Runs the commands of ``local()``: asked for in the evaluation's thread, run on the event loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio.from_thread

from upright.controllers.tiltfile.project import Finished
from upright.controllers.world.output import Lines
from upright.controllers.world.processes import Command, StartFailed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from upright.controllers.world.processes import Processes


class LocalCommands:
    """The real ``project.RunLocal``; a command ends with the task that waits for the evaluation."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def __call__(
        self,
        argv: Sequence[str],
        *,
        directory: str,
        env: Mapping[str, str],
        stdin: str | None,
        line: Callable[[str], None],
    ) -> Finished:
        """Run a command for the evaluation's thread."""
        command = Command(tuple(argv), directory, env, (stdin or "").encode())
        return anyio.from_thread.run(self._run, command, line)

    async def _run(self, command: Command, line: Callable[[str], None]) -> Finished:
        kept: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}

        def tell(text: str) -> None:
            for one in text.splitlines():
                line(one)

        lines = {name: Lines(tell) for name in kept}

        def sink(name: str, data: bytes) -> None:
            kept[name].extend(data)
            lines[name](data)

        try:
            ended = await run(self._processes, command, partial(sink, "out"), partial(sink, "err"))
        except StartFailed as error:
            return Finished(1, error=str(error))
        for one in lines.values():
            one.close()
        out, err = (kept[name].decode("utf-8", "replace") for name in ("out", "err"))
        return Finished(ended.code, out, err)
