"""The Cmd controller: runs each command once for each wish, and says how it goes."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from upright.controllers import fingerprint
from upright.controllers.cmd_life import FAILED_TO_START_CODE, CmdLife
from upright.controllers.cmd_triggers import NoTriggers
from upright.controllers.disable_status import disable_status, sources_of
from upright.controllers.finalizers import CMD_FINALIZER
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.world.environment import with_pairs
from upright.openapi.v1alpha1.cmd import Cmd, CmdStatus, CmdTerminated
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.triggers import StepWaiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from upright.controllers.cmd_triggers import Trigger, Triggers
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.logs import Logs, LogWriter
    from upright.controllers.world.processes import Processes
    from upright.openapi.meta import Object

NOT_TRIGGERED = "cmd StartOn has not been triggered"
LOST = "lost: the server stopped while it ran"
LOST_CODE = 137
_log = logging.getLogger(__name__)
_RUN = "run"
_SERVER_SPAN = "localserve:"


class CmdController(Controller[Cmd]):
    """Has each Cmd run once for its spec, its owner's cause and its last trigger.

    What has run stays as it ended, also over a restart of the server; what was running then is said to be lost and run
    again. A Cmd that goes is held until its process is gone. ``environment`` is what all commands get.
    """

    kind: ClassVar[type[Object]] = Cmd
    reads: ClassVar[tuple[type[Object], ...]] = (ConfigMap,)
    finalizer: ClassVar[str] = CMD_FINALIZER

    def __init__(
        self,
        processes: Processes,
        logs: Logs,
        clock: Callable[[], datetime],
        environment: Callable[[], Mapping[str, str]],
        triggers: Triggers | None = None,
    ) -> None:
        self._processes = processes
        self._logs = logs
        self._clock = clock
        self._environment = environment
        self._triggers = triggers or NoTriggers()
        self._switched: dict[str, set[str]] = {}

    def watches(self) -> Iterable[Watch]:
        yield Watch(Cmd, self._noted)
        yield Watch(ConfigMap, lambda obj: [Key("", name) for name in self._switched.get(obj.name, ())])
        yield from self._triggers.watches()

    async def reconcile(self, turn: Turn[Cmd]) -> Outcome:
        cmd, status = turn.obj, turn.obj.status
        switch = disable_status(cmd.spec.disable_source, turn, status.disable_status, turn.now)
        if switch is not None and switch.disabled:
            await turn.tasks.end(_RUN)
            return Outcome(CmdStatus(disable_status=switch))
        trigger = self._triggers.last(turn)
        if cmd.spec.start_on is not None and cmd.spec.start_on.ui_buttons and trigger is None:
            await turn.tasks.end(_RUN)
            return Outcome(CmdStatus(waiting=StepWaiting(reason=NOT_TRIGGERED), disable_status=switch))
        wish = fingerprint.of_step(cmd, *([trigger.time.isoformat()] if trigger else []))
        if turn.tasks.get(_RUN) is None and status.running is not None:
            return Outcome(self._lost(cmd, turn.now))
        if turn.tasks.get(_RUN) is None and status.terminated is not None and status.ran == wish:
            return Outcome(status.model_copy(update={"disable_status": switch}))
        task = turn.tasks.ensure(_RUN, (cmd.metadata.uid, wish), partial(self._live, cmd, trigger))
        found = self._broken(task.error, turn.now) if task.error is not None else task.value
        if not isinstance(found, CmdStatus):
            return Outcome()
        return Outcome(found.model_copy(update={"ran": wish, "disable_status": switch}))

    async def _live(self, cmd: Cmd, trigger: Trigger | None, report: Callable[[CmdStatus], None]) -> None:
        environment = with_pairs(self._environment(), (*cmd.spec.env, *(trigger.env if trigger else ())))
        server = self._span(cmd).startswith(_SERVER_SPAN)
        await CmdLife(cmd.spec, environment, self._processes, self._log(cmd), self._clock, server).run(report)

    def _broken(self, error: BaseException, now: datetime) -> CmdStatus:
        """Return the status of a command that we failed to look after: our own fault, and not tried again."""
        _log.error("a command was ended by an error of ours", exc_info=error)
        over = CmdTerminated(exit_code=FAILED_TO_START_CODE, finished_at=now, reason=f"internal error: {error!r}")
        return CmdStatus(terminated=over)

    def _lost(self, cmd: Cmd, now: datetime) -> CmdStatus:
        """Return the status of a command that an earlier server ran; it answers no wish, so it is run again."""
        self._log(cmd).write(f"{LOST}; running it again", level="WARN")
        was = cmd.status.running
        over = CmdTerminated(
            pid=was.pid if was else 0,
            exit_code=LOST_CODE,
            started_at=was.started_at if was else None,
            finished_at=now,
            reason=LOST,
        )
        return CmdStatus(terminated=over, disable_status=cmd.status.disable_status)

    def _log(self, cmd: Cmd) -> LogWriter:
        return self._logs.open(self._span(cmd), cmd.metadata.annotations.get(fingerprint.RESOURCE, ""))

    def _span(self, cmd: Cmd) -> str:
        return cmd.metadata.annotations.get(fingerprint.SPAN) or f"cmd:{cmd.name}"

    def _noted(self, obj: Object) -> Iterable[Key]:
        """Take note of which Cmds a ConfigMap switches; wakes nobody."""
        if isinstance(obj, Cmd) and obj.spec.disable_source is not None:
            for source in sources_of(obj.spec.disable_source):
                self._switched.setdefault(source.name, set()).add(obj.name)
        return ()
