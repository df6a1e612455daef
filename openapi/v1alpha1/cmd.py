"""Cmd: a command that runs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.probe import Probe
from upright.openapi.v1alpha1.triggers import DisableSource, DisableStatus, RestartOnSpec, StartOnSpec, StepWaiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json


class CmdSpec(Model):
    """What to run: argv (no shell is added), working directory, extra environment as ``K=V``."""

    args: tuple[str, ...] = omit(())
    """The program and its arguments."""
    dir: str = omit("")
    """The working directory; empty: that of the server."""
    env: tuple[str, ...] = omit(())
    """Variables beside those of the server, each as NAME=VALUE."""
    readiness_probe: Probe | None = None
    """How to find out that the process is ready; none: it is while it runs."""
    restart_on: RestartOnSpec | None = None
    start_on: StartOnSpec | None = None
    disable_source: DisableSource | None = None


class CmdRunning(Model):
    """The process that runs now."""

    pid: int
    """Its process id."""
    started_at: MicroTime | None = None
    """When it was started."""


class CmdTerminated(Model):
    """How the process ended; ``reason`` is empty for exit code 0."""

    pid: int = 0
    """The process id that it had."""
    exit_code: int
    """What it exited with."""
    started_at: MicroTime | None = None
    """When it was started."""
    finished_at: MicroTime | None = None
    """When it ended."""
    reason: str = omit("")
    """Why it failed, in words; empty if it did not."""


class CmdStatus(Model):
    """One of waiting, running, terminated; ``ran`` names the spec and trigger that the state belongs to."""

    waiting: StepWaiting | None = None
    """It does not run yet, and why."""
    running: CmdRunning | None = None
    """It runs."""
    terminated: CmdTerminated | None = None
    """It ended, and how."""
    ready: bool = False
    """The readiness probe passes, or the process runs and has none."""
    disable_status: DisableStatus | None = None
    ran: str = omit("")
    """The spec and the trigger that this status belongs to."""


def _state(body: Json) -> str:
    status = body.get("status", {})
    return next((state for state in ("terminated", "running", "waiting") if status.get(state)), "")


class Cmd(Object):
    """A command that runs on this machine: a local_resource's update or server."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "Cmd",
        "cmds",
        columns=(
            NAME,
            Column("STATE", _state, description="waiting, running or terminated"),
            Column("READY", at("status", "ready"), "boolean", "Whether the readiness probe passes"),
            Column("EXIT", at("status", "terminated", "exitCode"), "integer", "Exit code"),
            AGE,
        ),
    )

    spec: CmdSpec = CmdSpec()
    status: CmdStatus = CmdStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.args:
            yield Cause("spec.args", "Required value: cannot be empty", "FieldValueRequired")
        if self.spec.readiness_probe:
            yield from self.spec.readiness_probe.problems_at("spec.readinessProbe")
        for at_, pair in enumerate(self.spec.env):
            if "=" not in pair:
                yield Cause(f"spec.env[{at_}]", f'Invalid value: "{pair}": want NAME=VALUE')
