"""Extensions: Tiltfiles of others, loaded as ``ext://name`` from repositories that are cached on this machine."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.builtins.local import run
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.object_names import sanitized
from upright.controllers.tiltfile.readers import Command
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.extension import Extension, ExtensionSpec
from upright.openapi.v1alpha1.extension_repo import ExtensionRepo, ExtensionRepoSpec

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project

PREFIX = "ext://"
MANAGED_BY = "tilt.dev/managed-by"
LOADER = "tiltfile.loader"
DEFAULT_NAME = "default"
DEFAULT_URL = "https://github.com/tilt-dev/tilt-extensions"
_CACHE = "upright/tilt_modules"  # extensions look for a folder of this name above them
_SCHEME = re.compile(r"^https?://")


def locate_extension(project: Project, name: str) -> str:
    """Return the Tiltfile that ``ext://NAME`` means; its repository is fetched if it is not here. Raises Failure.

    Extension and repository are objects of the Tiltfile from now on, if they were not yet.
    """
    module = name.removeprefix(PREFIX)
    extension = _extension(project, module)
    try:
        repo = _repo(project, extension.spec.repo_name)
        root = _root(project, repo)
        path = extension.spec.repo_path
        tiltfile = Path(os.path.normpath(root / repo.spec.git_subpath / path / "Tiltfile"))
        if not tiltfile.is_relative_to(root):
            raise Failure(f"invalid repo path: {path}")
        if not tiltfile.exists():
            raise Failure(f"no extension tiltfile found at {tiltfile}")
    except Failure as failure:
        raise Failure(f"cannot load {name}: {failure}") from None
    return str(tiltfile)


def _extension(project: Project, module: str) -> Extension:
    """Return the extension of that name: as v1alpha1.extension says, else by a repository's host, else a default one."""
    name = sanitized(module)
    said = project.objects.get(("Extension", name))
    spec = said.spec if isinstance(said, Extension) else _by_host(project, module)
    metadata = said.metadata if said is not None else ObjectMeta(name=name)
    annotations = {**metadata.annotations, MANAGED_BY: LOADER}
    extension = Extension(metadata=metadata.model_copy(update={"annotations": annotations}), spec=spec)
    project.objects["Extension", name] = extension
    return extension


def _by_host(project: Project, module: str) -> ExtensionSpec:
    """Return the extension in the repository whose loadHost the name begins with, else in the default one."""
    for repo in project.objects.values():
        if isinstance(repo, ExtensionRepo) and repo.spec.load_host:
            host = repo.spec.load_host.rstrip("/")
            if module.startswith(f"{host}/"):
                return ExtensionSpec(repo_name=repo.name, repo_path=module.removeprefix(f"{host}/"))
    return ExtensionSpec(repo_name=DEFAULT_NAME, repo_path=module)


def _repo(project: Project, name: str) -> ExtensionRepo:
    """Return the repository of that name; the default one is Tilt's own unless it was declared."""
    found = project.objects.get(("ExtensionRepo", name))
    if isinstance(found, ExtensionRepo):
        return found
    if name != DEFAULT_NAME:
        raise Failure(f"extension repo not found: {name}")
    repo = ExtensionRepo(metadata=ObjectMeta(name=name), spec=ExtensionRepoSpec(url=DEFAULT_URL))
    project.objects["ExtensionRepo", name] = repo
    return repo


def _root(project: Project, repo: ExtensionRepo) -> Path:
    """Return where the repository is, after fetching it where that is needed: once in an evaluation."""
    url, ref = repo.spec.url, repo.spec.ref
    if url.startswith("file://"):
        return Path(os.path.normpath(url.removeprefix("file://")))
    home = project.environ.get("XDG_DATA_HOME") or str(Path(project.environ.get("HOME", "/")) / ".local/share")
    folder = Path(home) / _CACHE / (_SCHEME.sub("", url).rstrip("/") + (f"@{ref.replace('/', '_')}" if ref else ""))
    fetched: set[Path] = project.memory.setdefault("extension_repos", set())
    if folder in fetched:
        return folder
    if not folder.exists():
        _clone(project, repo, folder)
    elif not ref:
        _renew(project, repo, folder)
    fetched.add(folder)
    return folder


def _git(project: Project, *words: str) -> None:
    env = ("GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true")
    run(project, Command(("git", *words), project.directory, env), None, quiet=True, echo=False)


def _clone(project: Project, repo: ExtensionRepo, folder: Path) -> None:
    """Clone into a folder beside, which takes its place when it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    project.log(f"Downloading extension repo {repo.name} from {repo.spec.url}", "INFO")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as fresh:
        made = str(Path(fresh) / "repo")
        try:
            _git(project, "clone", "--quiet", "--", repo.spec.url, made)
            if repo.spec.ref:
                _git(project, "-C", made, "checkout", "--quiet", "--detach", repo.spec.ref)
        except Failure as failure:
            raise Failure(f"loading extension repo {repo.name}: {failure}") from None
        try:
            Path(made).rename(folder)
        except OSError:  # another run was faster
            shutil.rmtree(made, ignore_errors=True)


def _renew(project: Project, repo: ExtensionRepo, folder: Path) -> None:
    """Take in what is new; without a network what is here has to do."""
    try:
        _git(project, "-C", str(folder), "pull", "--quiet", "--ff-only")
    except Failure:
        project.log(f"Extension repo {repo.name} could not be renewed: using what is cached", "INFO")


def check_extensions(project: Project) -> None:
    """Raise Failure if an extension is to be run beside the Tiltfile, which is not possible yet."""
    for (kind, name), obj in project.objects.items():
        if kind == "Extension" and MANAGED_BY not in obj.metadata.annotations:
            raise Failure(
                f"v1alpha1.extension {name!r}: an extension that is not loaded cannot be run beside the Tiltfile yet: "
                f"load it with load('ext://{name}', …) or include('ext://{name}')"
            )
