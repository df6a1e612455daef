"""struct() and module()."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import positional
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.values import Builtin, Module, Struct, Value, type_name

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


def _struct(args: tuple[Value, ...], kwargs: dict[str, Value]) -> Struct:
    if args:
        raise Failure("struct: unexpected positional arguments")
    return Struct(kwargs)


def _module(args: tuple[Value, ...], kwargs: dict[str, Value]) -> Module:
    (name,) = positional("module", args, {}, least=1, most=1)
    if type(name) is not str:
        raise Failure(f"module: for parameter 1: got {type_name(name)}, want string")
    return Module(name, kwargs)


def _make_struct(_project: Project) -> Builtin:
    return Builtin("struct", _struct)


def _make_module(_project: Project) -> Builtin:
    return Builtin("module", _module)


VALUES = {"module": _make_module, "struct": _make_struct}
