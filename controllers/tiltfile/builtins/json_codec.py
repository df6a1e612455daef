"""read_json(), decode_json() and encode_json()."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from upright.controllers.tiltfile.language.arguments import Arguments, anything, optional, required
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.readers import path, stringable
from upright.controllers.tiltfile.structured import from_starlark, to_starlark
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Project

_ESCAPED = str.maketrans({letter: f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"})


class ReadArguments(Arguments):
    """read_json(paths, default=None): one path, whatever its name says."""

    paths: str = required(path)
    default: Value = optional(anything, None)


class DecodeArguments(Arguments):
    """decode_json(json)."""

    json: str = required(stringable)


class EncodeArguments(Arguments):
    """encode_json(obj)."""

    obj: Value = required(anything)


def read_json(project: Project, given: ReadArguments) -> Value:
    """Return the file's value, or the default if the file is not there."""
    if "default" in given.given:
        try:
            return _decoded(project.read(given.paths), given.paths)
        except FileNotFoundError:
            return given.default
    return _decoded(project.read_or_fail(given.paths), given.paths)


def decode_json(_project: Project, given: DecodeArguments) -> Value:
    """Return the text's value."""
    return _decoded(given.json, "")


def encode_json(_project: Project, given: EncodeArguments) -> str:
    """Return the value as indented JSON, keys sorted, as Go writes it."""
    text = json.dumps(_as_go(from_starlark(given.obj)), indent=2, sort_keys=True, ensure_ascii=False)
    return text.translate(_ESCAPED) + "\n"


def _as_go(value: Value) -> Value:
    """Return the value with whole floats as ints: Go writes 1 for 1.0."""
    if isinstance(value, dict):
        return {key: _as_go(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_go(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e21 else value


def _decoded(text: str, source: str) -> Value:
    label = f"error parsing JSON from {source}" if source else "error parsing JSON"
    try:
        value, end = json.JSONDecoder(parse_constant=_no_constant).raw_decode(text.lstrip(" \t\r\n"))
    except ValueError as error:
        raise Failure(f"{label}: {error}") from None
    if text.lstrip(" \t\r\n")[end:].strip(" \t\r\n"):
        raise Failure(f"{label}: found multiple JSON values")
    return to_starlark(value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"invalid character in {name}")


VALUES = {
    "decode_json": function("decode_json", DecodeArguments, decode_json),
    "encode_json": function("encode_json", EncodeArguments, encode_json),
    "read_json": function("read_json", ReadArguments, read_json),
}
