"""Session: one run of a Tiltfile to its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from upright.openapi.errors import Cause
from upright.openapi.meta import Duration, MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.failure import Failure
from upright.openapi.v1alpha1.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json


class SessionCISpec(Model):
    """Tilt's limits of a CI run; null: no limit (grace period: failures count at once)."""

    k8s_grace_period: Duration | None = None
    """How long failures of pods are put up with; null: not at all."""
    timeout: Duration | None = None
    """How long the run may take."""
    readiness_timeout: Duration | None = None
    """How long a resource may take from its update to readiness."""


class SessionSpec(Model):
    """Which Tiltfile, when to end, and how much trouble to tolerate."""

    tiltfile_path: str
    """The Tiltfile that it runs."""
    exit_condition: str = "ci"
    """Whether it ends with its verdict (ci), or only when it is told to (manual)."""
    ci: SessionCISpec | None = None
    fail_fast: Literal["first", "never"] = "first"
    """Whether the first failure ends it, or all that can come to an end does first."""
    limits: Limits = Limits()


class TargetWaiting(Model):
    """Not begun, and why."""

    wait_reason: str
    """Why it has not begun."""


class TargetActive(Model):
    """Runs."""

    start_time: MicroTime | None = None
    """When it began."""
    ready: bool = False
    """It is ready; a job never is before its end."""
    last_ready_time: MicroTime | None = None
    """When it became ready last."""


class TargetTerminated(Model):
    """Ended; ``graceStatus`` is Tolerated or Exceeded where a grace period applies."""

    start_time: MicroTime | None = None
    """When it began."""
    finish_time: MicroTime | None = None
    """When it ended."""
    error: str = omit("")
    """Why it failed; empty if it did not."""
    grace_status: str = omit("")
    """Whether the failure is within the grace period: Tolerated or Exceeded."""


class TargetDisabled(Model):
    """Switched off."""


class TargetState(Model):
    """One of the four, or none: not asked to run."""

    waiting: TargetWaiting | None = None
    active: TargetActive | None = None
    terminated: TargetTerminated | None = None
    disabled: TargetDisabled | None = None


class Target(Model):
    """One thing the run waits for: a job must end well, a server must run and be ready."""

    name: str
    """Resource and part, as in web:runtime."""
    type: Literal["job", "server"]
    """What is asked of it: a job must end well, a server must run and be ready."""
    resources: tuple[str, ...]
    """The resources that it is of."""
    state: TargetState = TargetState()


class Verdict(Model):
    """What the run came to, or ``pending``."""

    state: Literal["pending", "healthy", "failed", "timeout", "unknown", "interrupted"] = "pending"
    """What it came to."""
    reason: str = omit("")
    """Why, in a sentence."""
    exit_code: int | None = None
    """What the process exits with; null while pending."""
    time: MicroTime | None = None
    """When it was found."""


class SessionStatus(Model):
    """Tilt's fields, and beside them the verdict with its failure cards."""

    pid: int = 0
    """The process id of what runs it."""
    start_time: MicroTime | None = None
    """When it began."""
    targets: tuple[Target, ...] = ()
    """All that it waits for."""
    done: bool = False
    """The verdict is final."""
    error: str = omit("")
    """Why it failed; empty if it did not."""
    verdict: Verdict = Verdict()
    failures: tuple[Failure, ...] = omit(())
    """What failed and why, a card each."""


def _ready(body: Json) -> str:
    targets = body.get("status", {}).get("targets") or ()
    states = [target.get("state") or {} for target in targets]
    wanted = [state for state in states if state and "disabled" not in state]
    return f"{sum(1 for state in wanted if _is_ready(state))}/{len(wanted)}"


def _is_ready(state: Json) -> bool:
    if terminated := state.get("terminated"):
        return not terminated.get("error")
    return bool((state.get("active") or {}).get("ready"))


class Session(Object):
    """One run of a Tiltfile to its verdict."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "Session",
        "sessions",
        subresources=("log",),
        columns=(
            NAME,
            Column("EXIT", at("spec", "exitCondition"), description="When the run ends: ci or manual"),
            Column("DONE", at("status", "done"), "boolean", "Whether the verdict is final"),
            Column("READY", _ready, description="Targets that are ready, of those wanted"),
            Column("ERROR", at("status", "error"), description="Why the run failed"),
            AGE,
        ),
    )

    spec: SessionSpec
    status: SessionStatus = SessionStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.tiltfile_path:
            yield Cause("spec.tiltfilePath", "Required value: cannot be empty", "FieldValueRequired")
        if self.spec.exit_condition not in {"manual", "ci"}:
            yield Cause(
                "spec.exitCondition",
                f'Unsupported value: "{self.spec.exit_condition}": supported values: "ci", "manual"',
                "FieldValueNotSupported",
            )
