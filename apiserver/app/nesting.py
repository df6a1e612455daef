"""How deep a body may be nested: every reader behind here goes down a level at a time, and none may be led to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

LEVELS = 100
"""No kind has so many; pydantic and orjson end at some 200."""


def require_shallow(raw: bytes, body: object) -> None:
    """Raise BadRequest if the decoded body has lists and objects in one another beyond the limit."""
    if raw.count(b"{") + raw.count(b"[") <= LEVELS:
        return
    level: list[object] = [body]
    for _ in range(LEVELS):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, dict | list)]
        if not level:
            return
    raise too_deep()


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def too_deep() -> BadRequest:
    """Return what is said of such a body."""
    return BadRequest(f"the body is nested too deeply: lists and objects may be in one another {LEVELS} levels deep")
