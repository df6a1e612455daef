"""Runs a Tiltfile in a thread of its own, with commands, logs and secrets led to where they belong."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import anyio.from_thread
import anyio.to_thread

from upright.controllers.tiltfile.evaluate import evaluate
from upright.controllers.tiltfile.language.cancellation import Cancellation
from upright.controllers.tiltfile.project import Finished
from upright.controllers.world.output import Lines
from upright.controllers.world.processes import Command, StartFailed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.controllers.tiltfile.project import Facts, Level
    from upright.controllers.world.logs import Logs
    from upright.controllers.world.processes import Processes
    from upright.controllers.world.secrets import Secrets
    from upright.openapi.v1alpha1.tiltfile import Tiltfile


class Execution:
    """Executes Tiltfiles; ``facts`` is what they may ask about the run."""

    def __init__(self, facts: Callable[[], Facts], processes: Processes, logs: Logs, secrets: Secrets) -> None:
        self._facts = facts
        self._processes = processes
        self._logs = logs
        self._secrets = secrets

    async def __call__(self, tiltfile: Tiltfile) -> Evaluation:
        """Execute it; cancelling this ends the evaluation and the command it runs."""
        log = self._logs.open(f"tiltfile:{tiltfile.name}:1", tiltfile.name)

        def say(text: str, level: Level) -> None:
            log.write(text, level=level)

        cancellation = Cancellation()
        facts = replace(self._facts(), args=tiltfile.spec.args, name=tiltfile.name)
        work = partial(
            evaluate, tiltfile.spec.path, facts, log=say, run_local=self._run_local, cancellation=cancellation
        )
        try:
            evaluation = await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
        finally:
            cancellation.cancel()
        for secret in evaluation.secrets:
            self._secrets.add(secret.name, secret.key, secret.value)
        return evaluation

    def _run_local(
        self,
        argv: Sequence[str],
        *,
        directory: str,
        env: Mapping[str, str],
        stdin: str | None,
        line: Callable[[str], None],
    ) -> Finished:
        """Run a command for the evaluation's thread; see ``project.RunLocal``."""
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
