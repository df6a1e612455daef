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
    labels: dict[str, str] = omit({})
    restart_on: RestartOnSpec | None = None
    args: tuple[str, ...] = omit(())
    stop_on: StopOnSpec | None = None


class TiltfileRunning(Model):
    """The execution that runs now."""

    reasons: tuple[str, ...] = omit(())
    started_at: MicroTime | None = None


class TiltfileTerminated(Model):
    """How the last execution ended; ``error`` is empty for success, and has file:line:column otherwise.

    ``wrongUsage``: it is not the Tiltfile that is wrong, but the arguments that it was given.
    """

    reasons: tuple[str, ...] = omit(())
    error: str = omit("")
    started_at: MicroTime | None = None
    finished_at: MicroTime | None = None
    warning_count: int = omit(0)
    wrong_usage: bool = omit(default=False)


class CISettings(Model):
    """What ``ci_settings`` says; None: not said."""

    k8s_grace_period: Duration | None = None
    timeout: Duration | None = None
    readiness_timeout: Duration | None = None
    limits: Limits = Limits()


class TiltfileSettings(Model):
    """What the Tiltfile decides for the whole run."""

    max_parallel_updates: int = 3
    k8s_upsert_timeout: Duration | None = None
    server_side_apply: bool | None = None
    watch_ignores: tuple[IgnoreDef, ...] = omit(())
    ci: CISettings = CISettings()


class TiltfileStatus(Model):
    """One of waiting, running, terminated; ``ran`` names the spec that the state belongs to.

    ``resources`` are what it describes; ``extensions`` those Tiltfiles that are executed beside it.
    """

    waiting: StepWaiting | None = None
    running: TiltfileRunning | None = None
    terminated: TiltfileTerminated | None = None
    ran: str = omit("")
    settings: TiltfileSettings | None = None
    config_files: tuple[str, ...] = omit(())
    resources: tuple[str, ...] = omit(())
    extensions: tuple[str, ...] = omit(())


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
            AGE,
        ),
    )

    spec: TiltfileSpec
    status: TiltfileStatus = TiltfileStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.path:
            yield Cause("spec.path", "Required value: cannot be empty", "FieldValueRequired")
