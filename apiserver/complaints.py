"""What pydantic says of a wrong body, in Kubernetes' words and with its field paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upright.openapi import causes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from upright.openapi.errors import Cause

Place = tuple[str | int, ...]

_JSON_TYPES = {
    "string": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "dict": "object",
    "model": "object",
    "tuple": "array",
    "list": "array",
}


def causes_of(error: ValidationError, body: object, within: str = "") -> list[Cause]:
    """Return a cause for each field that is wrong; ``within`` is where the body stands in its object."""
    found = {cause.field: cause for cause in _causes(error, body, within)}
    return list(found.values())


def _causes(error: ValidationError, body: object, within: str) -> Iterator[Cause]:
    for detail in error.errors(include_url=False):
        place = _place(detail["loc"], body, missing=detail["type"] == "missing")
        yield _cause(_path(place, within), detail)


def _cause(path: str, detail: ErrorDetails) -> Cause:
    kind = detail["type"]
    given = _shown(detail["input"])
    context: dict[str, Any] = detail.get("ctx", {})
    if kind == "missing":
        return causes.required(path)
    if kind in {"enum", "literal_error"}:
        supported = [word.strip(" '") for word in str(context.get("expected", "")).replace(" or ", ",").split(",")]
        return causes.not_supported(path, str(given), supported)
    if kind == "value_error":
        return causes.invalid_value(path, given, str(context.get("error", detail["msg"])))
    wanted = _JSON_TYPES.get(kind.removesuffix("_type"))
    if wanted:
        return causes.invalid_value(
            path, _json_type(given), f"{path} in body must be of type {wanted}: {_quoted(given)}"
        )
    return causes.invalid_value(path, given, detail["msg"][:1].lower() + detail["msg"][1:])


def _shown(given: object) -> object:
    """Return the input if it is short enough to say, else what it is."""
    return given if isinstance(given, str | int | float | bool) else _json_type(given)


def _quoted(given: object) -> str:
    return f'"{given}"'


def _json_type(given: object) -> str:
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (dict, "object"), (list, "array"))
    return next((name for kind, name in kinds if isinstance(given, kind)), "null")


def _place(location: Place, body: object, *, missing: bool) -> Place:
    """Return where in the body pydantic means: its locations also name the branches of unions, which are no fields."""
    place: list[str | int] = []
    here = body
    for index, step in enumerate(location):
        inside, here = _step(here, step)
        if inside or (missing and index == len(location) - 1):
            place.append(step)
    return tuple(place)


def _step(here: object, step: str | int) -> tuple[bool, object]:
    """Return whether there is such a step from here, and where it leads."""
    if isinstance(here, dict) and step in here:
        return True, here[step]
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return True, here[step]
    return False, here


def _path(place: Place, within: str) -> str:
    path = within
    for step in place:
        if isinstance(step, int) or not step.replace("_", "").isalnum():
            path += f"[{step}]"
        else:
            path += f".{step}" if path else step
    return path


def null_places(error: ValidationError) -> list[Place]:
    """Return where a null stands that makes the body wrong."""
    return [
        detail["loc"]
        for detail in error.errors(include_url=False, include_context=False)
        if detail["input"] is None and detail["type"] != "missing"
    ]
