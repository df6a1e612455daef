"""kustomize(): the objects that a kustomization comes to, by the user's own kustomize or kubectl."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.builtins.local import run
from upright.controllers.tiltfile.kustomization import sources
from upright.controllers.tiltfile.language.arguments import Arguments, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.interpreter import absolute
from upright.controllers.tiltfile.readers import Command, path, string_sequence
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project

_DEFAULT = "kustomize"


class KustomizeArguments(Arguments):
    """kustomize(paths, kustomize_bin=None, flags=[])."""

    paths: str = required(path)
    kustomize_bin: str | None = optional(string, None, none_is_unset=True)
    flags: tuple[str, ...] = optional(string_sequence, (), none_is_unset=True)


def kustomize(project: Project, given: KustomizeArguments) -> Blob:
    """Return what ``kustomize build`` prints."""
    argv = (*_program(project, given.kustomize_bin), *given.flags, given.paths)
    finished = run(project, Command(argv, project.directory), None, quiet=True, echo=False)
    for file in sources(Path(given.paths)):
        project.watch(file)
    return Blob(finished.stdout, f"kustomize: {given.paths}")


def _program(project: Project, wanted: str | None) -> tuple[str, ...]:
    search = project.environ.get("PATH")
    own = absolute(wanted, project.directory) if wanted else ""
    if own and shutil.which(own) is not None:
        return (own, "build")
    if shutil.which(wanted or _DEFAULT, path=search) is not None:
        return (wanted or _DEFAULT, "build")
    if wanted:
        raise Failure(f"kustomize: kustomize_bin {wanted!r} was not found in PATH")
    if shutil.which("kubectl", path=search) is None:
        raise Failure("kustomize: neither `kustomize` nor `kubectl` was found in PATH: install one of them")
    project.log("Falling back to `kubectl kustomize` since `kustomize` was not found in PATH", "INFO")
    return ("kubectl", "kustomize")


VALUES = {"kustomize": function("kustomize", KustomizeArguments, kustomize)}
