"""How the resources of a replay stand at its moment: what each has come to, and what it waits for; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.controllers.record.replay import Replay
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.resource import Resource

_COLUMNS = {"name": "RESOURCE", "update": "UPDATE", "runtime": "RUNTIME", "waitsFor": "WAITS FOR"}


def standing(played: Replay) -> list[Json]:
    """Return a row a resource, in the Tiltfile's order."""
    ordered = sorted(played.resources, key=lambda one: (one.spec.kind != "tiltfile", one.spec.order, one.name))
    return [_row(one) for one in ordered]


def standing_lines(rows: Sequence[Json]) -> list[str]:
    """Return the rows as a table with its head."""
    table = [_COLUMNS, *({key: row[key] or "-" for key in _COLUMNS} for row in rows)]
    widths = {key: max(len(row[key]) for row in table) for key in _COLUMNS}
    return ["  ".join(row[key].ljust(widths[key]) for key in _COLUMNS).rstrip() for row in table]


def _row(resource: Resource) -> Json:
    status = resource.status
    ready = next((one for one in status.conditions if one.type == "Ready"), None)
    waits = ready.message if ready is not None and ready.status != "True" else ""
    if status.waiting is not None:
        on = ", ".join(one.name for one in status.waiting.on)
        waits = f"{status.waiting.reason} {on}".rstrip()
    return {
        "name": resource.name,
        "update": status.update_status,
        "runtime": status.runtime_status,
        "waitsFor": waits,
        "failures": [card.rule for card in status.failures],
    }
