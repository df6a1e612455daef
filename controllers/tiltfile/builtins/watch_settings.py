"""watch_settings(): files whose changes mean nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, optional
from upright.controllers.tiltfile.readers import pattern_list
from upright.controllers.tiltfile.vocabulary import function
from upright.openapi.v1alpha1.docker_image import IgnoreDef

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class WatchArguments(Arguments):
    """watch_settings(ignore)."""

    ignore: tuple[str, ...] = optional(pattern_list("ignore"), ())


def watch_settings(project: Project, given: WatchArguments) -> None:
    """Add patterns, relative to this Tiltfile."""
    if given.ignore:
        rule = IgnoreDef(base_path=project.directory, patterns=given.ignore)
        ignores = (*project.settings.watch_ignores, rule)
        project.settings = project.settings.model_copy(update={"watch_ignores": ignores})


VALUES = {"watch_settings": function("watch_settings", WatchArguments, watch_settings)}
