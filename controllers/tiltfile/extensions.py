"""Extensions: Tiltfiles of others, loaded as ``ext://name`` from repositories that are cached on this machine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.builtins.local import run
from upright.controllers.tiltfile.extension_repos import checked_out, extension_path
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.object_names import sanitized
from upright.controllers.tiltfile.readers import Command
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.extension import Extension, ExtensionSpec
from upright.openapi.v1alpha1.extension_repo import ExtensionRepo, ExtensionRepoSpec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from upright.controllers.tiltfile.project import Project
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.resource import Resource

PREFIX = "ext://"
MANAGED_BY = "tilt.dev/managed-by"
LOADER = "tiltfile.loader"
DEFAULT_NAME = "default"
DEFAULT_URL = "https://github.com/tilt-dev/tilt-extensions"
GIT_ENV = ("GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true")


def locate_extension(project: Project, name: str) -> str:
    """Return the Tiltfile that ``ext://NAME`` means; its repository is fetched if it is not here. Raises Failure.

    Extension and repository are objects of the Tiltfile from now on, if they were not yet.
    """
    module = name.removeprefix(PREFIX)
    extension = _extension(project, module)
    try:
        repo = _repo(project, extension.spec.repo_name)
        root = _root(project, repo)
        tiltfile = extension_path(extension.spec, root, repo.spec.git_subpath)
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
    fetched: dict[tuple[str, str], Path] = project.memory.setdefault("extension_repos", {})
    version = repo.spec.url, repo.spec.ref
    if version not in fetched:
        git = partial(_git, project)
        fetched[version] = checked_out(repo, project.environ, git, lambda text: project.log(text, "INFO")).path
        annotations = {**repo.metadata.annotations, MANAGED_BY: LOADER}  # it is up to date already
        metadata = repo.metadata.model_copy(update={"annotations": annotations})
        project.objects["ExtensionRepo", repo.name] = repo.model_copy(update={"metadata": metadata})
    return fetched[version]


def _git(project: Project, *words: str) -> None:
    run(project, Command(("git", *words), project.directory, GIT_ENV), None, quiet=True, echo=False)


def unloaded(objects: Iterable[Object]) -> tuple[str, ...]:
    """Return the names of the extensions that nothing loads, so that each is executed as a Tiltfile of its own."""
    return tuple(
        one.name for one in objects if isinstance(one, Extension) and MANAGED_BY not in one.metadata.annotations
    )


def check_extensions(project: Project, resources: Iterable[Resource]) -> None:
    """Raise Failure if an extension has the name of a resource, which it would be shown as."""
    kinds = {"kubernetes": "Kubernetes resource", "compose": "Docker Compose service", "local": "local resource"}
    named = {resource.name: kinds.get(resource.spec.kind, "resource") for resource in resources}
    for name in unloaded(project.objects.values()):
        if name in named:
            raise Failure(f"Extension {quote(name)} has the same name as a {named[name]}")
