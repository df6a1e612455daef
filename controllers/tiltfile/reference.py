"""The reference of all that a Tiltfile may call, made of the functions' own arguments and docstrings."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, NamedTuple

from upright.controllers.tiltfile.evaluate import new_project
from upright.controllers.tiltfile.language.values import Builtin, Module
from upright.controllers.tiltfile.project import Facts, Finished
from upright.controllers.tiltfile.vocabulary import BUILTINS, SIGNATURES, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.vocabulary import Signature

_TYPES = {
    "str": "str",
    "str | None": "str | None",
    "bool": "bool",
    "bool | None": "bool | None",
    "int": "int",
    "int | None": "int | None",
    "tuple[str, ...]": "str | list[str]",
    "tuple[str, ...] | None": "str | list[str] | None",
    "dict[str, str]": "dict[str, str]",
    "timedelta | None": "str",
}
_RETURNS = {"None": "None", "str": "str", "Blob": "Blob", "Dict": "dict[str, Any]", "List": "list[Any]"}


class Entry(NamedTuple):
    """One name: its parameters as ``name: type = default``, what it returns, and what it does; no parameters: a value."""

    name: str
    parameters: tuple[str, ...] | None
    returns: str
    about: str


def entries() -> list[Entry]:
    """Return all names in their order, the members of a module after each other."""
    for module in dict.fromkeys(BUILTINS.values()):
        importlib.import_module(f"upright.controllers.tiltfile.builtins.{module}")
    project = new_project(Facts(), lambda _text, _level: None, lambda *_words, **_more: Finished(0), None)
    project.interpreter.main = "/Tiltfile"
    found: list[Entry] = []
    for name in sorted(BUILTINS):
        found += _entries(name, value_of(name, project))
    return found


def _entries(name: str, value: Value) -> Iterator[Entry]:
    if isinstance(value, Module):
        for member, inner in sorted(value.members.items()):
            yield from _entries(f"{name}.{member}", inner)
    elif name in SIGNATURES:
        yield _function(SIGNATURES[name])
    elif isinstance(value, Builtin):
        yield Entry(name, ("*args: Any", "**kwargs: Any"), "Any", "")
    else:
        yield Entry(name, None, "Any", "")


def _function(signature: Signature) -> Entry:
    kinds = _annotations(signature.arguments)
    parameters: list[str] = []
    for name, parameter in signature.arguments.parameters.items():
        kind = _TYPES.get(kinds.get(name, ""), "Any")
        default = "" if parameter.is_required else f" = {_default(parameter.default)}"
        parameters.append(f"{name}: {kind}{default}")
    returned = str(getattr(signature.act, "__annotations__", {}).get("return", ""))
    return Entry(signature.name, tuple(parameters), _RETURNS.get(returned, "Any"), signature.act.__doc__ or "")


def _annotations(arguments: type) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for one in reversed(arguments.__mro__):
        found |= {name: str(kind) for name, kind in vars(one).get("__annotations__", {}).items()}
    return found


def _default(value: object) -> str:
    if isinstance(value, tuple | dict):
        return "[]" if isinstance(value, tuple) else "{}"
    return repr(value) if isinstance(value, str | int | bool | None) else "..."


def _call(entry: Entry) -> str:
    if entry.parameters is None:
        return entry.name
    return (
        f"{entry.name}({', '.join(re.sub(r': .*?(?= = |$)', '', one).replace(' = ', '=') for one in entry.parameters)})"
    )


def text() -> str:
    """Return the reference for a terminal."""
    return "".join(f"{_call(entry)}\n    {_first(entry)}\n" for entry in entries())


def markdown() -> str:
    """Return the reference as a page of the documents."""
    head = "# All that a Tiltfile may call\n\nMade by `upright tiltfile api --form markdown` from the functions themselves.\n"
    return head + "".join(f"\n### `{_call(entry)}`\n\n{_first(entry)}\n" for entry in entries())


def _first(entry: Entry) -> str:
    return " ".join(entry.about.split()) or "As in Tilt."


def stub() -> str:
    """Return types for editors, as a Python stub."""
    lines = ["from typing import Any", "", "class Blob: ..."]
    modules: dict[str, list[Entry]] = {}
    for entry in entries():
        module, dot, _ = entry.name.partition(".")
        if dot and entry.name.count(".") == 1:
            modules.setdefault(module, []).append(entry)
        elif not dot:
            lines.append(_typed(entry, entry.name, ""))
    for module, members in modules.items():
        lines += [f"class _{module}:", *(_typed(one, one.name.partition(".")[2], "    ") for one in members)]
        lines.append(f"{module}: _{module}")
    return "\n".join(lines) + "\n"


def _typed(entry: Entry, name: str, indent: str) -> str:
    if entry.parameters is None:
        return f"{indent}{name}: {entry.returns}"
    mark = f"{indent}@staticmethod\n" if indent else ""
    said = f'\n{indent}    """{_first(entry)}"""\n{indent}    ...' if entry.about else " ..."
    return f"{mark}{indent}def {name}({', '.join(entry.parameters)}) -> {entry.returns}:{said}"


FORMS: Mapping[str, Callable[[], str]] = {"text": text, "markdown": markdown, "stub": stub}
"""The reference by the form that is asked for."""
