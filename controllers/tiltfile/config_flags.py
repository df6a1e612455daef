"""A Tiltfile's own flags: their definitions, and reading them from the command line and from tilt_config.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from upright.controllers.tiltfile.language.errors import Failure, nearest
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.language.values import List
from upright.controllers.tiltfile.structured import to_starlark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from upright.controllers.tiltfile.language.values import Value

Kind = Literal["list", "string", "bool", "object"]
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_POSITIONAL_HELP = "See https://docs.tilt.dev/tiltfile_config.html#positional-arguments for examples."


class Definition(Struct, frozen=True):
    """One setting; ``positional``: it takes the arguments that are no flags."""

    kind: Kind
    positional: bool
    usage: str


def parse_arguments(definitions: Mapping[str, Definition], args: Sequence[str]) -> dict[str, Value]:
    """Return the settings that the command line sets; raises Failure."""
    found: dict[str, Value] = {}
    free: list[str] = []
    rest = list(args)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            free += rest
            break
        if argument.startswith("-") and argument != "-":
            name, text = _flag(definitions, argument, rest)
            _set(found, name, definitions[name].kind, text, argument)
        else:
            free.append(argument)
    _set_positional(definitions, free, found)
    return found


def _flag(definitions: Mapping[str, Definition], argument: str, rest: list[str]) -> tuple[str, str]:
    """Return the flag's name and value, taking the value from ``rest`` where it stands apart."""
    name, equals, text = argument.lstrip("-").partition("=")
    flags = {flag: one for flag, one in definitions.items() if not one.positional}
    if not argument.startswith("--"):
        raise Failure(f"unknown shorthand flag: {quote(argument[1:2])} in {argument}{_usage(flags)}")
    if name not in flags:
        raise Failure(f"unknown flag: --{name}{nearest(name, list(flags))}{_usage(flags)}")
    if equals:
        return name, text
    if flags[name].kind == "bool":
        return name, "true"
    if not rest:
        raise Failure(f"flag needs an argument: --{name}{_usage(flags)}")
    return name, rest.pop(0)


def _usage(flags: Mapping[str, Definition]) -> str:
    if not flags:
        return ""
    words = {"list": " list[string]", "string": " string", "bool": "", "object": " object"}
    rows = [(f"      --{name}{words[one.kind]}", one.usage) for name, one in sorted(flags.items())]
    width = max(len(left) for left, _ in rows)
    return "\nUsage:\n" + "\n".join(f"{left:<{width}}   {usage}".rstrip() for left, usage in rows)


def _set_positional(definitions: Mapping[str, Definition], free: Sequence[str], found: dict[str, Value]) -> None:
    if not free:
        return
    name = next((name for name, one in definitions.items() if one.positional), "")
    if not name:
        given = quote(" ".join(free))
        raise Failure(f"positional CLI args ({given}) were specified, but none were expected.\n{_POSITIONAL_HELP}")
    for text in free:
        try:
            _set(found, name, definitions[name].kind, text, text)
        except Failure as failure:
            raise Failure(f"invalid positional args ({name}): {failure}") from None


def _set(found: dict[str, Value], name: str, kind: Kind, text: str, argument: str) -> None:
    if kind == "list":
        found.setdefault(name, List()).append(text)
        return
    if name in found:
        raise Failure(f"{kind} settings can only be specified once. multiple values found (last value: {text})")
    if kind == "string":
        found[name] = text
    elif kind == "bool":
        if text not in _TRUE | _FALSE:
            raise Failure(f"invalid argument {quote(text)} for {quote(argument)} flag: want true or false")
        found[name] = text in _TRUE
    else:
        try:
            found[name] = to_starlark(json.loads(text))
        except ValueError as error:
            raise Failure(f"decoding JSON, got {quote(text)}: {error}") from None


def parse_file(definitions: Mapping[str, Definition], text: str, path: str) -> dict[str, Value]:
    """Return the settings of a tilt_config.json; raises Failure."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise Failure(f"error parsing json from {path}: {error}") from None
    if not isinstance(values, dict):
        raise Failure(f"error parsing json from {path}: want an object")
    found: dict[str, Value] = {}
    for name, value in values.items():
        if name not in definitions:
            hint = nearest(name, list(definitions))
            raise Failure(f"{path} specified unknown setting name '{name}'{hint}")
        problem = _problem(definitions[name].kind, value)
        if problem:
            raise Failure(f"{path} specified invalid value for setting {name}: {problem}")
        if value is not None:
            found[name] = to_starlark(value)
    return found


def _problem(kind: Kind, value: Any) -> str:  # noqa: ANN401  reason: a decoded JSON value
    if value is None or kind == "object":
        return ""
    if kind == "list":
        if not isinstance(value, list):
            return "expected array"
        wrong = next((item for item in value if not isinstance(item, str)), None)
        return "" if wrong is None else f"expected string, got {type(wrong).__name__}"
    wanted = str if kind == "string" else bool
    return "" if isinstance(value, wanted) else f"expected {kind}, found {type(value).__name__}"
