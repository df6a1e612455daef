"""What Compose files take from others: ``include`` of whole files, ``extends`` of single services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from upright.controllers.tiltfile.compose_files import is_local, merged, over, read_compose, variables_of
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.interpreter import absolute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from upright.openapi.meta import Json

_SHARED = ("services", "networks", "volumes", "secrets", "configs")


class Place(Struct, frozen=True):
    """A Compose file that is read: how messages name it, the folder its paths are relative to, its variables, and who led here."""

    source: str
    folder: str
    variables: Mapping[str, str]
    above: tuple[str, ...] = ()

    def below(self, step: str) -> Place:
        """Return the place with one more step on the way; raises Failure if it was taken before."""
        if step in self.above:
            raise Failure(f"{self.source}: goes in a circle: {' -> '.join((*self.above, step))}")
        return replace(self, above=(*self.above, step))


class ComposeReader(Struct, frozen=True):
    """Reads Compose files whole. ``read`` returns a file's text, and notes that the Tiltfile depends on it."""

    read: Callable[[str], str]

    def body(self, text: str, at: Place) -> Json:
        """Return a file's content with all that it takes from others; raises Failure."""
        body = read_compose(text, at.source, at.variables)
        services = body.get("services") or {}
        body["services"] = {name: self._extended(name, services, at) for name in services}
        for said in _listed(body.pop("include", None)):
            included = self._included(said, at)
            for part in _SHARED:
                if part in included:
                    body[part] = {**included[part], **(body.get(part) or {})}
        return body

    def _extended(self, name: str, services: Json, at: Place) -> Json:
        if name not in services:
            raise Failure(f"{at.source}: cannot extend service {name}: there is none of that name")
        own: Json = dict(services[name])
        said = own.pop("extends", None)
        if said is None:
            return own
        wanted = said if isinstance(said, dict) else {"service": said}
        base = str(wanted.get("service") or name)
        if not wanted.get("file"):
            return over(self._extended(base, services, at.below(f"{at.source}: {base}")), own)
        path = absolute(str(wanted["file"]), at.folder)
        there = replace(at.below(f"{path}: {base}"), source=path, folder=str(Path(path).parent))
        theirs = read_compose(self.read(path), path, at.variables).get("services") or {}
        return over(_rebased(self._extended(base, theirs, there), there.folder), own)

    def _included(self, said: Any, at: Place) -> Json:  # noqa: ANN401  reason: a part of a decoded YAML document
        wanted = said if isinstance(said, dict) else {"path": said}
        paths = [absolute(str(one), at.folder) for one in _listed(wanted.get("path"))]
        if not paths:
            raise Failure(f"{at.source}: include needs a path")
        folder = absolute(str(wanted.get("project_directory") or Path(paths[0]).parent), at.folder)
        files = [absolute(str(one), at.folder) for one in _listed(wanted.get("env_file"))]
        variables = {**self._from_files(files, folder), **at.variables}
        bodies = [self.body(self.read(path), Place(path, folder, variables, at.below(path).above)) for path in paths]
        found = merged(bodies)
        return {**found, "services": {name: _rebased(one, folder) for name, one in found["services"].items()}}

    def _from_files(self, files: list[str], folder: str) -> dict[str, str]:
        """Return the variables of the env files that are named, else of the ``.env`` that may be in the folder."""
        found: dict[str, str] = {}
        for file in files or [one for one in (f"{folder}/.env",) if Path(one).is_file()]:
            found |= variables_of(self.read(file))
        return found


def _rebased(service: Json, folder: str) -> Json:
    """Return a service of a file in another folder: with its paths absolute."""
    made = dict(service)
    build = made.get("build")
    if isinstance(build, str) and is_local(build):
        made["build"] = absolute(build, folder)
    elif isinstance(build, dict) and is_local(str(build.get("context") or ".")):
        made["build"] = {**build, "context": absolute(str(build.get("context") or "."), folder)}
    if "env_file" in made:
        made["env_file"] = [_file(one, folder) for one in _listed(made["env_file"])]
    if "volumes" in made:
        made["volumes"] = [_volume(one, folder) for one in made["volumes"] or ()]
    return made


def _file(said: Any, folder: str) -> Any:  # noqa: ANN401  reason: a part of a decoded YAML document
    if isinstance(said, dict):
        return {**said, "path": absolute(str(said.get("path")), folder)}
    return absolute(str(said), folder)


def _volume(said: Any, folder: str) -> Any:  # noqa: ANN401  reason: a part of a decoded YAML document
    if isinstance(said, dict):
        source = str(said.get("source") or "")
        return (
            {**said, "source": absolute(source, folder)} if said.get("type") == "bind" and source[:1] == "." else said
        )
    source, colon, rest = str(said).partition(":")
    return f"{absolute(source, folder)}:{rest}" if colon and source[:1] == "." else said


def _listed(said: Any) -> list[Any]:  # noqa: ANN401  reason: a part of a decoded YAML document
    if said is None:
        return []
    return list(said) if isinstance(said, list) else [said]
