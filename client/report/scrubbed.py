"""Takes secrets out of whole documents, before they are written in one form or another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.openapi.meta import Model

M = TypeVar("M", bound="Model")


def scrubbed(model: M, scrub: Callable[[str], str]) -> M:
    """Return the document with each of its texts scrubbed."""
    return type(model).model_validate(_clean(model.to_wire(), scrub))


def scrubbed_json(value: Any, scrub: Callable[[str], str]) -> Any:  # noqa: ANN401  reason: a decoded JSON document
    """Return the decoded JSON document with each of its texts scrubbed."""
    return _clean(value, scrub)


def _clean(value: Any, scrub: Callable[[str], str]) -> Any:  # noqa: ANN401  reason: a decoded JSON document
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value)  # reason: keys of JSON are text
        return {key: _clean(item, scrub) for key, item in pairs.items()}
    if isinstance(value, (list, tuple)):
        items = cast("list[Any]", value)  # reason: what isinstance told, without its unknown items
        return [_clean(item, scrub) for item in items]
    return value
