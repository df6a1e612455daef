"""The budgets and time limits that ci_settings, k8s_resource and local_resource take beside Tilt's own arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, optional
from upright.controllers.tiltfile.language.errors import WrongValue
from upright.controllers.tiltfile.readers import duration, int32

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Project
    from upright.openapi.v1alpha1.limits import Limits


def _budget(value: Value, directory: str) -> int:
    count = int32(value, directory)
    if count < 1:
        raise WrongValue(f"must be at least 1, got {count}")
    return count


def _span(value: Value, directory: str) -> timedelta:
    span = duration(value, directory)
    if span.total_seconds() < 0:
        raise WrongValue(f'must not be negative, got "{value}"')
    return span


class LimitArguments(Arguments):
    """One argument for each limit; what is not given stays open."""

    crash_budget: int | None = optional(_budget, None, none_is_unset=True)
    stable_for: timedelta | None = optional(_span, None, none_is_unset=True)
    missing_ref_timeout: timedelta | None = optional(_span, None, none_is_unset=True)
    unschedulable_timeout: timedelta | None = optional(_span, None, none_is_unset=True)
    pods_timeout: timedelta | None = optional(_span, None, none_is_unset=True)
    sight_timeout: timedelta | None = optional(_span, None, none_is_unset=True)
    build_timeout: timedelta | None = optional(_span, None, none_is_unset=True)
    push_timeout: timedelta | None = optional(_span, None, none_is_unset=True)
    apply_timeout: timedelta | None = optional(_span, None, none_is_unset=True)
    schedule_timeout: timedelta | None = optional(_span, None, none_is_unset=True)
    pull_timeout: timedelta | None = optional(_span, None, none_is_unset=True)
    start_timeout: timedelta | None = optional(_span, None, none_is_unset=True)
    ready_timeout: timedelta | None = optional(_span, None, none_is_unset=True)


def limits_of(project: Project, own: Limits | None, its_labels: Iterable[str]) -> Limits:
    """Return a resource's limits: its own, over those of its labels, the first label first."""
    from upright.openapi.v1alpha1.limits import Limits  # noqa: PLC0415  reason: pydantic, where limits are used

    found = own or Limits()
    for label in its_labels:
        if (more := project.limits_of_labels.get(label)) is not None:
            found = found.over(more)
    return found


LIMIT_ARGUMENTS = tuple(LimitArguments.parameters)


def limits(given: LimitArguments) -> Limits | None:
    """Return the limits that were given, or None if there are none."""
    from upright.openapi.v1alpha1.limits import Limits  # noqa: PLC0415  reason: pydantic, where limits are used

    found = {name: getattr(given, name) for name in LIMIT_ARGUMENTS if name in given.given}
    found = {name: value for name, value in found.items() if value is not None}
    return Limits(**found) if found else None
