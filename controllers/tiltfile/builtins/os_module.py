"""The module os: the environment, the working directory and paths."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.access import bound, index
from upright.controllers.tiltfile.language.arguments import Arguments, anything, optional, required, string
from upright.controllers.tiltfile.language.dict_methods import DICT_METHODS
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.interpreter import absolute
from upright.controllers.tiltfile.language.text import to_repr
from upright.controllers.tiltfile.language.values import Builtin, Dict, HostValue, Module, Value, type_name
from upright.controllers.tiltfile.readers import stringable, text_of
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from upright.controllers.tiltfile.project import Project


class Environ(HostValue):
    """os.environ: behaves as a dict of strings; changes reach the commands of this Tiltfile."""

    starlark_type = "environ"

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables

    def get_item(self, name: Value) -> Value:
        return index(Dict(self.variables), name)

    def set_item(self, name: Value, value: Value) -> None:
        for part in (name, value):
            if text_of(part) is None:
                raise Failure(f"os.environ takes only strings, got {type_name(part)}")
        self.variables[stringable(name)] = stringable(value)

    def elements(self) -> Iterable[Value]:
        return tuple(self.variables)

    def attributes(self) -> dict[str, Value]:
        return {name: bound(self, name, self._method(name)) for name in DICT_METHODS}

    def _method(self, name: str) -> Callable[[Value, tuple[Value, ...], dict[str, Value]], Value]:
        def call(_self: Value, args: tuple[Value, ...], kwargs: dict[str, Value]) -> Value:
            changed = Dict(self.variables)
            result = DICT_METHODS[name](changed, args, kwargs)
            if changed != self.variables:
                self.variables.clear()
                for key, value in changed.items():
                    self.set_item(key, value)
            return result

        return call

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    def __len__(self) -> int:
        return len(self.variables)

    def __str__(self) -> str:
        return to_repr(Dict(self.variables))


class Nothing(Arguments):
    """A function without arguments."""


class Key(Arguments):
    """os.unsetenv(key)."""

    key: str = required(stringable)


class GetArguments(Key):
    """os.getenv(key, default=None)."""

    key: str = required(stringable)
    default: Value = optional(anything, None)


class PutArguments(Arguments):
    """os.putenv(key, value)."""

    key: str = required(stringable)
    value: str = required(stringable)


class PathArguments(Arguments):
    """A function of one path."""

    path: str = required(string)


class RelativeArguments(Arguments):
    """os.path.relpath(targpath, basepath)."""

    targpath: str = required(string)
    basepath: str | None = optional(string, None)


def getenv(project: Project, given: GetArguments) -> Value:
    """Return the variable, or the default."""
    return project.environ.get(given.key, given.default)


def putenv(project: Project, given: PutArguments) -> None:
    """Set the variable."""
    project.environ[given.key] = given.value


def unsetenv(project: Project, given: Key) -> None:
    """Remove the variable."""
    project.environ.pop(given.key, None)


def abspath(project: Project, given: PathArguments) -> str:
    """Return the path made absolute."""
    return absolute(given.path, project.directory)


def basename(_project: Project, given: PathArguments) -> str:
    """Return the path's last part, as Go's filepath.Base."""
    if not given.path:
        return "."
    return given.path.rstrip("/").rpartition("/")[2] or "/"


def dirname(_project: Project, given: PathArguments) -> str:
    """Return all but the path's last part, as Go's filepath.Dir."""
    head, slash, _ = given.path.rpartition("/")
    return os.path.normpath(head + slash) if slash else "."


def exists(project: Project, given: PathArguments) -> bool:
    """Tell whether there is something at the path; nothing is watched for that."""
    try:
        return Path(absolute(given.path, project.directory)).exists()
    except OSError:
        return False


def realpath(project: Project, given: PathArguments) -> str:
    """Return the path without symbolic links; what is not there is an error."""
    wanted = absolute(given.path, project.directory)
    try:
        return str(Path(wanted).resolve(strict=True))
    except OSError as error:
        raise Failure(f"lstat {error.filename or wanted}: {(error.strerror or str(error)).lower()}") from None


def relpath(project: Project, given: RelativeArguments) -> str:
    """Return the path as seen from the base, which is the Tiltfile's directory by default."""
    base = project.directory if given.basepath is None else given.basepath
    if given.targpath.startswith("/") != base.startswith("/"):
        raise Failure(f"Rel: can't make {given.targpath} relative to {base}")
    return os.path.relpath(given.targpath or ".", base or ".")


def _join(args: tuple[Value, ...], kwargs: dict[str, Value]) -> str:
    """Return the parts joined, as Go's filepath.Join: empty ones are left out, and none starts over."""
    if kwargs:
        raise Failure("os.path.join: unexpected keyword arguments")
    for at, part in enumerate(args):
        if text_of(part) is None:
            raise Failure(f"os.path.join() only accepts strings. Argument #{at}: {to_repr(part)}")
    parts = [stringable(part) for part in args if part]
    joined = "/".join(parts)
    return os.path.normpath("/" + joined.lstrip("/") if joined.startswith("/") else joined) if parts else ""


def _getcwd(project: Project, _given: Nothing) -> str:
    return project.directory


def _module(project: Project) -> Module:
    path = {
        "abspath": function("os.path.abspath", PathArguments, abspath)(project),
        "basename": function("os.path.basename", PathArguments, basename)(project),
        "dirname": function("os.path.dirname", PathArguments, dirname)(project),
        "exists": function("os.path.exists", PathArguments, exists)(project),
        "join": Builtin("os.path.join", _join),
        "realpath": function("os.path.realpath", PathArguments, realpath)(project),
        "relpath": function("os.path.relpath", RelativeArguments, relpath)(project),
    }
    members = {
        "environ": Environ(project.environ),
        "getcwd": function("os.getcwd", Nothing, _getcwd)(project),
        "getenv": function("os.getenv", GetArguments, getenv)(project),
        "name": "posix",
        "path": Module("os.path", path),
        "putenv": function("os.putenv", PutArguments, putenv)(project),
        "unsetenv": function("os.unsetenv", Key, unsetenv)(project),
    }
    return Module("os", members)


VALUES = {"os": _module}
