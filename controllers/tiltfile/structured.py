"""Between decoded JSON or YAML and Starlark's values."""

from __future__ import annotations

from typing import Any

from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import to_repr
from upright.controllers.tiltfile.language.values import Dict, List, Value, type_name


def to_starlark(value: Any) -> Value:  # noqa: ANN401  reason: a decoded document
    """Return the document as Starlark's lists and dicts."""
    if isinstance(value, list):
        return List(map(to_starlark, value))
    if isinstance(value, dict):
        return Dict((key, to_starlark(item)) for key, item in value.items())
    return value


def from_starlark(value: Value) -> Any:  # noqa: ANN401  reason: a document to encode
    """Return the value as JSON has it; raises Failure for what JSON has not."""
    if isinstance(value, Dict):
        for key in value:
            if type(key) is not str:
                raise Failure(
                    "error converting object from starlark: only string keys are supported in maps. "
                    f"found key '{to_repr(key)}' of type {type_name(key)}"
                )
        return {key: from_starlark(item) for key, item in value.items()}
    if isinstance(value, List):
        return [from_starlark(item) for item in value]
    if value is None or type(value) in {bool, int, float, str}:
        return value
    raise Failure(
        "error converting object from starlark: unable to convert from starlark value, "
        f"unsupported type {type_name(value)}"
    )
