"""watch_file(): a file or folder whose change executes the Tiltfile again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, required
from upright.controllers.tiltfile.readers import path
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class WatchArguments(Arguments):
    """watch_file(paths): one path, whatever its name says."""

    paths: str = required(path)


def watch_file(project: Project, given: WatchArguments) -> None:
    """Note that the Tiltfile depends on the path."""
    project.watch(given.paths, recursive=True)


VALUES = {"watch_file": function("watch_file", WatchArguments, watch_file)}
