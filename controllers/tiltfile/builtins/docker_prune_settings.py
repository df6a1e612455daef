"""docker_prune_settings(): checked as Tilt checks it; a run to a verdict ends before there is anything to prune."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, boolean, optional
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.readers import int32
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class PruneArguments(Arguments):
    """Tilt's arguments in Tilt's order."""

    disable: bool = optional(boolean, default=False)
    max_age_mins: int = optional(int32, 0)
    num_builds: int = optional(int32, 0)
    interval_hrs: int = optional(int32, 0)
    keep_recent: int | None = optional(int32, None, none_is_unset=True)


def docker_prune_settings(project: Project, given: PruneArguments) -> None:
    """Note the settings; images are never pruned here."""
    if given.num_builds and given.interval_hrs:
        raise Failure(
            "can't specify both 'prune every X builds' and 'prune every Y hours'; please pass only one of "
            "`num_builds` and `interval_hrs`"
        )
    noted = project.noted.pruning
    noted.enabled = not given.disable
    noted.max_age_mins = given.max_age_mins or noted.max_age_mins
    noted.num_builds = given.num_builds
    noted.interval_hrs = given.interval_hrs or noted.interval_hrs
    noted.keep_recent = noted.keep_recent if given.keep_recent is None else given.keep_recent


VALUES = {"docker_prune_settings": function("docker_prune_settings", PruneArguments, docker_prune_settings)}
