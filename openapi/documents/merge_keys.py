"""Marks lists that strategic merge patches merge by a key, so that clients compute such patches as the server does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upright.openapi.meta import Json


def mark_merge_keys(schemas: dict[str, Json], root: str, merge_keys: dict[str, str]) -> None:
    """Write ``x-kubernetes-patch-merge-key`` on each list that the paths name, below the schema ``root``.

    An empty key: the list holds plain values, and is merged as a set.
    """
    for path, key in merge_keys.items():
        field = _field(schemas, root, path.replace("[]", "").split("."))
        if field is not None:
            field["x-kubernetes-patch-strategy"] = "merge"
        if field is not None and key:
            field["x-kubernetes-patch-merge-key"] = key


def _field(schemas: dict[str, Json], root: str, steps: list[str]) -> Json | None:
    here: Json | None = schemas[root]
    for step in steps:
        if here is None:
            return None
        here = (_target(schemas, here).get("properties") or {}).get(step)
    return here


def _target(schemas: dict[str, Json], schema: Json) -> Json:
    """Follow references, and step into the items of a list."""
    if schema.get("type") == "array":
        return _target(schemas, schema["items"])
    if "allOf" in schema:
        return _target(schemas, schema["allOf"][0])
    if "$ref" in schema:
        return schemas[str(schema["$ref"]).rpartition("/")[2]]
    return schema
