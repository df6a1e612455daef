"""Tiltfile: a Tiltfile to execute; what it describes are objects that it owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import Duration, MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.docker_image import IgnoreDef
from upright.openapi.v1alpha1.limits import Limits
from upright.openapi.v1alpha1.triggers import RestartOnSpec, StepWaiting, StopOnSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json


class TiltfileSpec(Model):
    """The file, its arguments, and labels for what it describes."""

    path: str
    """Where it is on this machine."""
    labels: dict[str, str] = omit({})
    """Labels that its objects get."""
    restart_on: RestartOnSpec | None = None
    args: tuple[str, ...] = omit(())
    """Its arguments: resources to run, or what its config takes."""
    stop_on: StopOnSpec | None = None


class TiltfileRunning(Model):
    """The execution that runs now."""

    reasons: tuple[str, ...] = omit(())
    """Why it is executed."""
    started_at: MicroTime | None = None
    """When the execution began."""


class TiltfileTerminated(Model):
    """How the last execution ended; ``error`` is empty for success, and has file:line:column otherwise.

    ``wrongUsage``: it is not the Tiltfile that is wrong, but the arguments that it was given.
    """

    reasons: tuple[str, ...] = omit(())
    """Why it was executed."""
    error: str = omit("")
    """Why it failed; empty if it did not."""
    started_at: MicroTime | None = None
    """When the execution began."""
    finished_at: MicroTime | None = None
    """When the execution ended."""
    warning_count: int = omit(0)
    """How many warnings there were."""
    wrong_usage: bool = omit(default=False)
    """Not the Tiltfile is wrong, but the arguments that it was given."""


class CISettings(Model):
    """What ``ci_settings`` says; null: nothing."""

    k8s_grace_period: Duration | None = None
    """How long failures of pods are put up with."""
    timeout: Duration | None = None
    """How long the run may take."""
    readiness_timeout: Duration | None = None
    """How long a resource may take from its update to readiness."""
    limits: Limits = Limits()


class TiltfileSettings(Model):
    """What the Tiltfile decides for the whole run."""

    max_parallel_updates: int = 3
    """How many updates may run at once."""
    k8s_upsert_timeout: Duration | None = None
    """How long an apply may take."""
    server_side_apply: bool | None = None
    """By server-side apply; null: where the cluster can."""
    watch_ignores: tuple[IgnoreDef, ...] = omit(())
    """Files whose changes never count."""
    ci: CISettings = CISettings()


class TiltfileStatus(Model):
    """One of waiting, running, terminated; ``ran`` names the spec that the state belongs to.

    ``resources`` are what it describes; ``extensions`` those Tiltfiles that are executed beside it.
    """

    waiting: StepWaiting | None = None
    running: TiltfileRunning | None = None
    terminated: TiltfileTerminated | None = None
    ran: str = omit("")
    """The spec that this status belongs to."""
    settings: TiltfileSettings | None = None
    config_files: tuple[str, ...] = omit(())
    """Files that it read; their change would change it."""
    resources: tuple[str, ...] = omit(())
    """The resources that it describes."""
    extensions: tuple[str, ...] = omit(())
    """Tiltfiles that are executed beside it."""


def _state(body: Json) -> str:
    status = body.get("status", {})
    if terminated := status.get("terminated"):
        return "failed" if terminated.get("error") else "loaded"
    return "running" if status.get("running") else "waiting"


class Tiltfile(Object):
    """A Tiltfile to execute."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "Tiltfile",
        "tiltfiles",
        columns=(
            NAME,
            Column("STATE", _state, description="waiting, running, loaded or failed"),
            Column("PATH", at("spec", "path"), description="The file"),
            Column("ERROR", at("status", "terminated", "error"), description="Why it cannot be used"),
            AGE,
        ),
    )

    spec: TiltfileSpec
    status: TiltfileStatus = TiltfileStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.path:
            yield Cause("spec.path", "Required value: cannot be empty", "FieldValueRequired")
