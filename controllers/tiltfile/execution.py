"""Runs a Tiltfile in a thread of its own, with commands, logs and secrets led to where they belong."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from msgspec.structs import replace

from upright.controllers.tiltfile.evaluate import evaluate
from upright.controllers.tiltfile.language.cancellation import Cancellation
from upright.controllers.tiltfile.limits import Limits, keep
from upright.controllers.tiltfile.local_commands import LocalCommands
from upright.openapi.v1alpha1.resource import TILTFILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.controllers.tiltfile.project import Facts, Level
    from upright.controllers.world.logs import Logs
    from upright.controllers.world.processes import Processes
    from upright.controllers.world.secrets import Secrets
    from upright.openapi.v1alpha1.tiltfile import Tiltfile


async def in_thread(work: Callable[[], Evaluation], cancellation: Cancellation, limits: Limits) -> Evaluation:
    """Evaluate in a thread of its own, within limits; cancelling this ends the evaluation and the command it runs."""
    async with anyio.create_task_group() as group:
        group.start_soon(keep, limits, cancellation)
        try:
            return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
        finally:
            cancellation.cancel()
            group.cancel_scope.cancel()
    raise AssertionError  # pragma: no cover  reason: nothing but a result or an error leaves the group


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
        facts = replace(self._facts(), args=tiltfile.spec.args, name=tiltfile.name, tell_secret=self._secrets.add)
        if tiltfile.name != TILTFILE:  # an extension's: as in Tilt, it may go wherever the main one may
            facts = replace(facts, must_have_resources=False, dev_cluster=True)
        limits = Limits.of(facts.environ)
        run_local = LocalCommands(self._processes, limits)
        work = partial(evaluate, tiltfile.spec.path, facts, log=say, run_local=run_local, cancellation=cancellation)
        evaluation = await in_thread(work, cancellation, limits)
        for secret in evaluation.secrets:
            self._secrets.add(secret.name, secret.key, secret.value)
        return evaluation
