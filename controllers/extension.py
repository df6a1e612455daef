"""The Extension controller: finds each extension's Tiltfile, and has it executed unless another Tiltfile loads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.tiltfile.extension_repos import extension_path
from upright.controllers.tiltfile.extensions import MANAGED_BY
from upright.controllers.tiltfile.language.errors import Failure
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.extension import Extension, ExtensionStatus
from upright.openapi.v1alpha1.extension_repo import ExtensionRepo
from upright.openapi.v1alpha1.tiltfile import Tiltfile, TiltfileSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object


class ExtensionController(Controller[Extension]):
    """Owns the Tiltfile that an extension is executed as; while its repository cannot be had, what is there stays."""

    kind: ClassVar[type[Object]] = Extension
    owns: ClassVar[tuple[type[Object], ...]] = (Tiltfile,)

    def watches(self) -> Iterable[Watch]:
        yield Watch(ExtensionRepo, self._users_of)

    async def reconcile(self, turn: Turn[Extension]) -> Outcome:
        extension = turn.obj
        try:
            path = _path(extension, turn.get(ExtensionRepo, extension.spec.repo_name))
        except Failure as failure:
            return Outcome(ExtensionStatus(error=str(failure)))
        if path is None:
            return Outcome()
        if MANAGED_BY not in extension.metadata.annotations:
            await turn.apply([_tiltfile(extension, path)], prune=(Tiltfile,))
        return Outcome(ExtensionStatus(path=str(path)))

    def _users_of(self, obj: Object) -> Iterable[Key]:
        return [Key("", one.name) for one in self.caches.of(Extension).all() if one.spec.repo_name == obj.name]


def _path(extension: Extension, repo: ExtensionRepo | None) -> Path | None:
    """Return where the extension is, or None while its repository is fetched; raises Failure in Tilt's words."""
    name = extension.spec.repo_name
    if repo is None:
        raise Failure(f"extension repo not found: {name}")
    if not repo.status.path:
        if repo.status.error:
            raise Failure(f"extension repo not loaded: {name}: {repo.status.error}")
        return None
    return extension_path(extension.spec, Path(repo.status.path), repo.spec.git_subpath)


def _tiltfile(extension: Extension, path: Path) -> Tiltfile:
    label = f"extension.{extension.name}"
    spec = TiltfileSpec(path=str(path), labels={label: label}, args=extension.spec.args)
    return Tiltfile(metadata=ObjectMeta(name=extension.name), spec=spec)
