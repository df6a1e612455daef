"""Tables: a kind's columns over some objects, as kubectl and the command line print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from upright.openapi.documents.ages import age
from upright.openapi.documents.partial import META_VERSION, partial

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from upright.openapi.meta import Json
    from upright.openapi.scheme import Column, Kind

IncludeObject = Literal["None", "Metadata", "Object"]


def table(
    kind: Kind,
    bodies: Iterable[Json],
    now: datetime,
    *,
    include: IncludeObject = "Metadata",
    headed: bool = True,
    version: str = META_VERSION,
) -> Json:
    """Return a ``Table`` without list metadata: a row an object, dates as ages at ``now``.

    ``headed`` false leaves the column definitions out: in a watch only the first table has them.
    """
    return {
        "kind": "Table",
        "apiVersion": version,
        "metadata": {},
        "columnDefinitions": columns(kind) if headed else None,
        "rows": [{"cells": cells(kind, body, now), "object": _object(body, include, version)} for body in bodies],
    }


def columns(kind: Kind) -> list[Json]:
    """Return the column definitions; the name's has the format ``name``, which kubectl looks for."""
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": "name" if column.name == "NAME" else "",
            "description": column.description,
            "priority": column.priority,
        }
        for column in kind.columns
    ]


def cells(kind: Kind, body: Json, now: datetime) -> list[Any]:  # Any: a cell is any JSON scalar
    """Return the row of one object."""
    return [_cell(column, body, now) for column in kind.columns]


def _cell(column: Column, body: Json, now: datetime) -> Any:  # noqa: ANN401  reason: a cell is any JSON scalar
    value = column.value(body)
    if column.type == "date":
        return age(str(value or ""), now)
    return "<none>" if value is None else value


def _object(body: Json, include: IncludeObject, version: str) -> Json | None:
    if include == "None":
        return None
    return body if include == "Object" else partial(body, version)
