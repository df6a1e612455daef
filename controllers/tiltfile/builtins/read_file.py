"""read_file(): the text of a file, as a Blob."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.language.arguments import Arguments, optional, required, string
from upright.controllers.tiltfile.readers import path
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class FileArguments(Arguments):
    """read_file(paths, default=None): one path, whatever its name says."""

    paths: str = required(path)
    default: str | None = optional(string, None, none_is_unset=True)


def read_file(project: Project, given: FileArguments) -> Blob:
    """Return the file's text, or the default if the file is not there."""
    source = f"file: {given.paths}"
    if given.default is not None:
        try:
            return Blob(project.read(given.paths), source)
        except FileNotFoundError:
            return Blob(given.default, source)
    return Blob(project.read_or_fail(given.paths), source)


VALUES = {"read_file": function("read_file", FileArguments, read_file)}
