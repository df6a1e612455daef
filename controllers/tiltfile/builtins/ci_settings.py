"""ci_settings(): how long a CI run may take, and how much trouble it tolerates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import optional
from upright.controllers.tiltfile.limit_arguments import LimitArguments, limits
from upright.controllers.tiltfile.readers import duration
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from datetime import timedelta

    from upright.controllers.tiltfile.project import Project

_TILTS = ("k8s_grace_period", "timeout", "readiness_timeout")


class CIArguments(LimitArguments):
    """Tilt's three, and the limits; all by name, and what a later call gives wins."""

    k8s_grace_period: timedelta | None = optional(duration, None)
    timeout: timedelta | None = optional(duration, None)
    readiness_timeout: timedelta | None = optional(duration, None)


def ci_settings(project: Project, given: CIArguments) -> None:
    """Change the settings that are given."""
    ci = project.settings.ci
    changed = {name: getattr(given, name) for name in _TILTS if name in given.given}
    more = limits(given)
    if more is not None:
        changed["limits"] = more.over(ci.limits)
    project.settings = project.settings.model_copy(update={"ci": ci.model_copy(update=changed)})


VALUES = {"ci_settings": function("ci_settings", CIArguments, ci_settings)}
