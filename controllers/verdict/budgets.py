"""How much trouble is tolerated, and for how long, when nobody said otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from upright.openapi.v1alpha1.limits import Limits

if TYPE_CHECKING:
    from upright.openapi.v1alpha1.session import SessionSpec
    from upright.openapi.v1alpha1.tiltfile import CISettings


MISSING_REF_TIMEOUT = timedelta(seconds=5)
CUSTOM_REF_TIMEOUT = timedelta(seconds=60)
"""How long something may be missing that the controller of a custom resource may still make: a certificate, a secret."""


class Budgets(Struct, frozen=True):
    """The limits in force for one resource, in seconds and counts; None: no limit of this phase alone."""

    crash_budget: int = 3
    stable_for: timedelta = timedelta(seconds=2)
    missing_ref_timeout: timedelta = MISSING_REF_TIMEOUT
    unschedulable_timeout: timedelta = timedelta(seconds=15)
    pods_timeout: timedelta = timedelta(seconds=5)
    sight_timeout: timedelta = timedelta(seconds=60)
    build_timeout: timedelta | None = None
    push_timeout: timedelta | None = None
    apply_timeout: timedelta | None = None
    schedule_timeout: timedelta | None = None
    pull_timeout: timedelta | None = None
    start_timeout: timedelta | None = None
    ready_timeout: timedelta | None = None
    timeout: timedelta | None = None


def with_custom_resources(budgets: Budgets) -> Budgets:
    """Return the budgets for a run that has custom resources; what was said of missing references stays as it was said."""
    if budgets.missing_ref_timeout != MISSING_REF_TIMEOUT:
        return budgets
    return replace(budgets, missing_ref_timeout=CUSTOM_REF_TIMEOUT)


def in_force(*limits: Limits) -> Budgets:
    """Return the budgets: of several limits that say something, the first one counts; else the default."""
    said: dict[str, int | timedelta] = {}
    for one in reversed(limits):
        said |= {name: value for name in type(one).model_fields if (value := getattr(one, name)) is not None}
    return Budgets(**said)  # type: ignore[arg-type]  # Limits has the same names and types, each or None


def of_run(session: SessionSpec | None, said: CISettings | None) -> Limits:
    """Return the limits of the whole run: what ``ci_settings`` says, over what the Session's spec says.

    Tilt's readiness timeout is the limit of the phase ``ready`` where that is not said.
    """
    limits = Limits()
    if session is not None:
        limits = _with_readiness(session.limits, session.ci.readiness_timeout if session.ci else None)
    if said is not None:
        limits = _with_readiness(said.limits, said.readiness_timeout).over(limits)
    return limits


def _with_readiness(limits: Limits, timeout: timedelta | None) -> Limits:
    known = limits.ready_timeout is not None or timeout is None
    return limits if known else limits.model_copy(update={"ready_timeout": timeout})
