"""local_git_repo(): a git repository on this machine, whose paths can be named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, bind, required, string
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.interpreter import absolute
from upright.controllers.tiltfile.language.values import Builtin, HostValue, Value
from upright.controllers.tiltfile.readers import path
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class RepoArguments(Arguments):
    """local_git_repo(paths)."""

    paths: str = required(path)


class PathsArguments(Arguments):
    """repo.paths(path)."""

    path: str = required(string)


class GitRepoValue(HostValue):
    """What local_git_repo() returns."""

    starlark_type = "git.Repo"

    def __init__(self, root: str) -> None:
        self.root = root

    def attributes(self) -> dict[str, Value]:
        return {"paths": Builtin("paths", self._paths)}

    def _paths(self, args: tuple[Value, ...], kwargs: dict[str, Value]) -> str:
        return absolute(bind("paths", PathsArguments, (args, kwargs), self.root).path, self.root)

    def __str__(self) -> str:
        return f'[gitRepo] "{self.root}"'


def local_git_repo(_project: Project, given: RepoArguments) -> GitRepoValue:
    """Return the repository; a folder without ``.git`` is none."""
    root = Path(given.paths)
    if not root.is_dir():
        raise Failure(f"Reading paths {given.paths}: no such directory")
    if not (root / ".git").exists():
        raise Failure(f"{given.paths} isn't a valid git repo: it doesn't have a .git/ directory")
    return GitRepoValue(given.paths)


VALUES = {"local_git_repo": function("local_git_repo", RepoArguments, local_git_repo)}
