"""Runs the commands of ``local()``: asked for in the evaluation's thread, run on the event loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread

from upright.controllers.tiltfile.limits import COMMAND, OUTPUT, duration_text, size_text
from upright.controllers.tiltfile.project import Finished
from upright.controllers.world.output import Lines
from upright.controllers.world.processes import Command, StartFailed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from upright.controllers.tiltfile.limits import Limits
    from upright.controllers.world.processes import Processes


_GRACE_SECONDS = 5.0


class LocalCommands:
    """The real ``project.RunLocal``; a command ends with the task that waits for the evaluation, and at its limits."""

    def __init__(self, processes: Processes, limits: Limits) -> None:
        self._processes = processes
        self._limits = limits

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
        scope = anyio.CancelScope(deadline=anyio.current_time() + self._limits.command_seconds)
        output = _Output(line, self._limits.output_bytes, scope.cancel)
        with scope:
            try:
                sinks = (partial(output.take, "out"), partial(output.take, "err"))
                ended = await run(self._processes, command, *sinks, grace=_GRACE_SECONDS)
            except StartFailed as error:
                return Finished(1, error=str(error))
            return Finished(ended.code, *output.close())
        if output.flooded:
            most = size_text(self._limits.output_bytes)
            return Finished(1, *output.close(), error=f"stopped: it printed more than {most}, {OUTPUT} sets this limit")
        spent = duration_text(self._limits.command_seconds)
        return Finished(1, *output.close(), error=f"stopped: still running after {spent}, {COMMAND} sets this limit")


class _Output:
    """What a command prints: kept whole, told line by line, up to a limit."""

    def __init__(self, line: Callable[[str], None], most: int, flood: Callable[[], None]) -> None:
        self.flooded = False
        self._left = most
        self._flood = flood
        self._kept = {"out": bytearray(), "err": bytearray()}
        self._lines = {name: Lines(lambda text: _tell(text, line)) for name in self._kept}

    def take(self, name: str, data: bytes) -> None:
        """Hear a piece."""
        self._left -= len(data)
        if self._left < 0:
            self.flooded = True
            self._flood()
            return
        self._kept[name].extend(data)
        self._lines[name](data)

    def close(self) -> tuple[str, str]:
        """Tell the last lines, and return both streams."""
        for lines in self._lines.values():
            lines.close()
        return self._kept["out"].decode("utf-8", "replace"), self._kept["err"].decode("utf-8", "replace")


def _tell(text: str, line: Callable[[str], None]) -> None:
    for one in text.splitlines():
        line(one)
