"""The reference of all that a Tiltfile may call, made of the functions' own arguments and docstrings."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

from upright.controllers.tiltfile.evaluate import new_project
from upright.controllers.tiltfile.language.values import Builtin, Module
from upright.controllers.tiltfile.project import Facts, Finished
from upright.controllers.tiltfile.vocabulary import BUILTINS, SIGNATURES, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.vocabulary import Signature


class Entry(NamedTuple):
    """One name: its parameters as ``name=default``, and what it does; no parameters: a value."""

    name: str
    parameters: tuple[str, ...] | None
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
        yield Entry(name, ("*args", "**kwargs"), "")
    else:
        yield Entry(name, None, "")


def _function(signature: Signature) -> Entry:
    parameters: list[str] = []
    for name, parameter in signature.arguments.parameters.items():
        default = "" if parameter.is_required else f"={default_text(parameter.default)}"
        parameters.append(f"{name}{default}")
    return Entry(signature.name, tuple(parameters), signature.act.__doc__ or "")


def default_text(value: object) -> str:
    """Return a default as Starlark shows it."""
    if isinstance(value, tuple | dict):
        return "[]" if isinstance(value, tuple) else "{}"
    return repr(value) if isinstance(value, str | int | bool | None) else "..."


def _call(entry: Entry) -> str:
    if entry.parameters is None:
        return entry.name
    return f"{entry.name}({', '.join(entry.parameters)})"


def text() -> str:
    """Return the reference for a terminal."""
    return "".join(f"{_call(entry)}\n    {_first(entry)}\n" for entry in entries())


def markdown() -> str:
    """Return the reference as a page of the documents."""
    head = "# All that a Tiltfile may call\n\nMade by `upright tiltfile api --form markdown` from the functions themselves.\n"
    return head + "".join(f"\n### `{_call(entry)}`\n\n{_first(entry)}\n" for entry in entries())


def _first(entry: Entry) -> str:
    return " ".join(entry.about.split()) or "As in Tilt."


def _stub() -> str:
    from upright.controllers.tiltfile.stub import stub  # noqa: PLC0415  reason: it is made of this module's entries

    return stub()


FORMS: Mapping[str, Callable[[], str]] = {"text": text, "markdown": markdown, "stub": _stub}
"""The reference by the form that is asked for."""
