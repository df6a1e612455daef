"""Fields that were applied from the client's side before, by kubectl, Tilt or us: taken over by server-side apply; pure.

Otherwise what left the YAML would stay in the cluster for good, for its field has an owner who never comes again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.openapi.meta import Json

_BEFORE = frozenset({"kubectl-client-side-apply", "tilt", "upright"})


def taken_over(managed: Sequence[Json], manager: str) -> list[Json] | None:
    """Return the managedFields with what was applied before as the manager's own; None if there is nothing to take over."""
    before = [one for one in managed if one.get("operation") == "Update" and _is_before(one)]
    own = [one for one in managed if one.get("operation") == "Apply" and one.get("manager") == manager]
    if not before:
        return None
    mine: Json = own[0] if own else {**before[0], "manager": manager, "operation": "Apply"}
    fields: Json = mine.get("fieldsV1") or {}
    for one in before:
        if one.get("apiVersion") == mine.get("apiVersion"):
            fields = _union(fields, one.get("fieldsV1") or {})
    rest = [one for one in managed if one not in before and one not in own]
    return [*rest, {**mine, "fieldsV1": fields}]


def _is_before(entry: Json) -> bool:
    return entry.get("manager") in _BEFORE and not entry.get("subresource")


def _union(one: Json, other: Json) -> Json:
    found: Json = dict(one)
    for name, value in other.items():
        there = found.get(name)
        found[name] = _union(there, value) if isinstance(there, dict) and isinstance(value, dict) else there or value
    return found
