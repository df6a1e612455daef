"""ci_settings(): how long a CI run may take, and how much trouble it tolerates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import optional
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.limit_arguments import LimitArguments, limits
from upright.controllers.tiltfile.readers import duration, labels
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from datetime import timedelta

    from upright.controllers.tiltfile.project import Project

_TILTS = ("k8s_grace_period", "timeout", "readiness_timeout")


class CIArguments(LimitArguments):
    """Tilt's three, and the limits; all by name, and what a later call gives wins.

    With ``labels`` the limits are those of the resources with one of these labels; a resource's own limits outweigh them.
    """

    k8s_grace_period: timedelta | None = optional(duration, None)
    timeout: timedelta | None = optional(duration, None)
    readiness_timeout: timedelta | None = optional(duration, None)
    labels: tuple[str, ...] = optional(labels, ())


def ci_settings(project: Project, given: CIArguments) -> None:
    """Change the settings that are given."""
    if given.labels:
        _of_labels(project, given)
        return
    ci = project.settings.ci
    changed = {name: getattr(given, name) for name in _TILTS if name in given.given}
    more = limits(given)
    if more is not None:
        changed["limits"] = more.over(ci.limits)
    project.settings = project.settings.model_copy(update={"ci": ci.model_copy(update=changed)})


def _of_labels(project: Project, given: CIArguments) -> None:
    """Set limits of labels."""
    for name in _TILTS:
        if name in given.given:
            raise Failure(f"ci_settings: {name} is for the whole run, and cannot be given with labels")
    more = limits(given)
    if more is None:
        raise Failure("ci_settings: with labels, give at least one limit, such as ready_timeout")
    for label in given.labels:
        before = project.limits_of_labels.get(label)
        project.limits_of_labels[label] = more.over(before) if before is not None else more


VALUES = {"ci_settings": function("ci_settings", CIArguments, ci_settings)}
