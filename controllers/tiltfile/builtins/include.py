"""include(): execute another Tiltfile for its effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, required
from upright.controllers.tiltfile.readers import stringable
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class FileToLoad(Arguments):
    """include(path), load_dynamic(path)."""

    path: str = required(stringable)


def include(project: Project, given: FileToLoad) -> None:
    """Execute the file, unless that was done already."""
    project.interpreter.execute(project.interpreter.locate(given.path, project.directory))


VALUES = {"include": function("include", FileToLoad, include)}
