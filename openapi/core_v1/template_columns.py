"""Columns that all workloads have: the containers and images of their template, and their selector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.scheme import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.openapi.meta import Json

_OPERATORS = {"In": "in", "NotIn": "notin"}


def _containers(field: str) -> Callable[[Json], str | None]:
    def cell(body: Json) -> str | None:
        spec = body.get("spec", {}).get("template", {}).get("spec", {})
        return ",".join(str(one.get(field, "")) for one in spec.get("containers") or ()) or None

    return cell


def _selector(body: Json) -> str | None:
    chosen = body.get("spec", {}).get("selector") or {}
    parts = [f"{key}={value}" for key, value in sorted((chosen.get("matchLabels") or {}).items())]
    for one in chosen.get("matchExpressions") or ():
        key, operator = str(one.get("key", "")), one.get("operator")
        if operator in _OPERATORS:
            parts.append(f"{key} {_OPERATORS[operator]} ({','.join(one.get('values') or ())})")
        else:
            parts.append(key if operator == "Exists" else f"!{key}")
    return ",".join(parts) or None


TEMPLATE_COLUMNS = (
    Column("CONTAINERS", _containers("name"), description="Names of its containers", priority=1),
    Column("IMAGES", _containers("image"), description="Images of its containers", priority=1),
    Column("SELECTOR", _selector, description="Labels of its Pods", priority=1),
)
