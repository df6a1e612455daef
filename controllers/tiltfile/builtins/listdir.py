"""listdir(): the files in a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, boolean, optional, required
from upright.controllers.tiltfile.language.values import List
from upright.controllers.tiltfile.readers import path
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.controllers.tiltfile.project import Project


class ListArguments(Arguments):
    """listdir(dir, recursive=False)."""

    dir: str = required(path)
    recursive: bool = optional(boolean, default=False)


def listdir(project: Project, given: ListArguments) -> List:
    """Return the absolute paths of the files, in order; folders are not listed."""
    if given.recursive:
        project.watch(given.dir, recursive=True)
    return List(_files(given.dir, recursive=given.recursive))


def _files(folder: str, *, recursive: bool) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError:  # as in Tilt, what is no folder has no files
        return
    for entry in ordered:
        if not entry.is_dir(follow_symlinks=False):
            yield str(Path(folder) / entry.name)
        elif recursive:
            yield from _files(str(Path(folder) / entry.name), recursive=True)


VALUES = {"listdir": function("listdir", ListArguments, listdir)}
