"""One life of a Cmd: from its start to its end, with its output logged and its readiness probed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import anyio
from msgspec import Struct
from msgspec.structs import replace

from upright.controllers.world.output import Lines
from upright.controllers.world.probes import exec_command, http_get, tcp_socket
from upright.controllers.world.probing import Timing, ask_forever
from upright.controllers.world.processes import GRACE_SECONDS, Command, StartFailed
from upright.openapi.v1alpha1.cmd import CmdRunning, CmdStatus, CmdTerminated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from upright.client.logs import Level
    from upright.controllers.world.logs import LogWriter
    from upright.controllers.world.probes import Ask
    from upright.controllers.world.probing import Answer, Sight
    from upright.controllers.world.processes import Exit, Process, Processes
    from upright.openapi.v1alpha1.cmd import CmdSpec
    from upright.openapi.v1alpha1.probe import Probe

FAILED_TO_START_CODE = 1
_HIGHEST_PORT = 65535


class CmdLife(Struct, frozen=True):
    """Runs the command once. ``report`` hears each status; cancelling ends the command, SIGKILL after the grace time."""

    spec: CmdSpec
    environment: Mapping[str, str]
    processes: Processes
    log: LogWriter
    clock: Callable[[], datetime]
    server: bool = False
    grace: float = GRACE_SECONDS

    async def run(self, report: Callable[[CmdStatus], None]) -> None:
        """Run to the end, whatever that is; nothing is reported of one that was cancelled."""
        words = spoken(self.spec.args)
        self.log.write(f"Running cmd: {words}")
        started = self.clock()
        lines = Lines(self.log.write)
        try:
            ask = self._ask()
            process = self.processes.start(Command(self.spec.args, self.spec.dir, self.environment), lines)
        except ValueError as error:
            self._failed(report, started, f"Invalid readiness probe: {error}", f"Invalid readiness probe: {error}")
            return
        except StartFailed as error:
            self._failed(report, started, f"failed to start: {error}", f"{words} failed to start: {error}")
            return
        running = CmdStatus(running=CmdRunning(pid=process.pid, started_at=started), ready=ask is None)
        report(running)
        ready = _Readiness(running, report, self.log)
        try:
            ended = await self._wait(process, ask, ready)
        finally:
            lines.close()
        self._ended(report, ready.status, ended, words)

    async def _wait(self, process: Process, ask: Ask | None, ready: _Readiness) -> Exit:
        try:
            async with anyio.create_task_group() as group:
                if ask is not None and self.spec.readiness_probe is not None:
                    timing = replace(timing_of(self.spec.readiness_probe), eager=True)
                    group.start_soon(ask_forever, timing, ask, ready.told)
                await process.wait()
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await process.end(self.grace, self.log.write)
        return await process.wait()

    def _ask(self) -> Ask | None:
        """Return how the server is asked for readiness; raises ValueError."""
        probe = self.spec.readiness_probe
        if probe is None:
            return None
        if probe.exec is not None:
            return exec_command(self.processes, Command(probe.exec.command, "", self.environment))
        if probe.http_get is not None:
            get = probe.http_get
            host = _authority(get.host or "localhost", _port(get.port))
            url = f"{get.scheme.lower() or 'http'}://{host}/{get.path.removeprefix('/')}"
            return http_get(url, {header.name: header.value for header in get.http_headers})
        if probe.tcp_socket is not None:
            return tcp_socket(probe.tcp_socket.host or "localhost", _port(probe.tcp_socket.port))
        raise ValueError("unsupported probe type")

    def _failed(self, report: Callable[[CmdStatus], None], started: datetime, reason: str, told: str) -> None:
        self.log.write(told, level="ERROR")
        over = CmdTerminated(
            exit_code=FAILED_TO_START_CODE, started_at=started, finished_at=self.clock(), reason=reason
        )
        report(CmdStatus(terminated=over))

    def _ended(self, report: Callable[[CmdStatus], None], last: CmdStatus, ended: Exit, words: str) -> None:
        if ended.code and not ended.killed:
            self.log.write(f"{words} exited with exit code {ended.code}", level="ERROR")
        elif self.server and not ended.killed:
            self.log.write("Server exited with exit code 0", level="ERROR")
        running = last.running or CmdRunning(pid=0)
        over = CmdTerminated(
            pid=running.pid,
            exit_code=ended.code,
            started_at=running.started_at,
            finished_at=self.clock(),
            reason=ended.reason,
        )
        report(CmdStatus(terminated=over, ready=last.ready))


class _Readiness:
    """Turns a probe's answers into the status' ``ready`` and into log lines."""

    def __init__(self, status: CmdStatus, report: Callable[[CmdStatus], None], log: LogWriter) -> None:
        self.status = status
        self._report = report
        self._log = log

    def told(self, before: Sight, sight: Sight, answer: Answer) -> None:
        changed = before.passing != sight.passing
        self._write(changed, answer)
        if changed and self.status.ready != (sight.passing is True):
            self.status = self.status.model_copy(update={"ready": sight.passing is True})
            self._report(self.status)

    def _write(self, changed: bool, answer: Answer) -> None:
        """Log transitions for all to see, further failures for who wants to know; going on well is no news."""
        if answer.well and not changed:
            return
        level: Level = ("INFO" if answer.well else "WARN") if changed else "VERBOSE"
        word = "success" if answer.well else "failure"
        for line in answer.text.splitlines():
            self._log.write(f"[readiness probe: {word}] {line}", level=level)


def spoken(args: tuple[str, ...]) -> str:
    """Return a command as a person would type it."""
    if len(args) == 3 and args[:2] == ("sh", "-c"):
        return args[2]
    return shlex.join(args)


def timing_of(probe: Probe) -> Timing:
    """Return a probe's timing."""
    return Timing.of(
        probe.initial_delay_seconds,
        probe.period_seconds,
        probe.timeout_seconds,
        probe.success_threshold,
        probe.failure_threshold,
    )


def _port(port: int) -> int:
    if not 0 < port <= _HIGHEST_PORT:
        raise ValueError(f"port number out of range: {port}")
    return port


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
