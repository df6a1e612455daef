"""Prints objects as they are: YAML, JSON, or their names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.client.cli.connection import Json

Format = Literal["json", "yaml"]


def name_of(body: Json) -> str:
    """Return ``resource.tilt.dev/web``."""
    group = str(body["apiVersion"]).rpartition("/")[0]
    return f"{body['kind'].lower()}{f'.{group}' if group else ''}/{body['metadata']['name']}"


def listed(bodies: Sequence[Json]) -> Json:
    """Return a List of objects, as kubectl prints several."""
    return {"apiVersion": "v1", "items": list(bodies), "kind": "List", "metadata": {"resourceVersion": ""}}


def without_managers(body: Json) -> Json:
    """Return an object, or a list of them, without managedFields: nobody reads them."""
    items = body.get("items")
    if isinstance(items, list):
        body = {**body, "items": [without_managers(item) for item in items]}
    metadata = body.get("metadata") or {}
    if "managedFields" not in metadata:
        return body
    return {**body, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}


def document(body: Json, form: Format) -> str:
    """Return one document, ended by a line feed."""
    if form == "json":
        return json.dumps(body, indent=4, ensure_ascii=False, sort_keys=True) + "\n"
    return as_yaml(body)


def as_yaml(value: Any) -> str:  # noqa: ANN401  reason: any JSON value
    """Return a value as YAML, laid out as kubectl does."""
    import yaml  # noqa: PLC0415  reason: takes 30 ms; tables and JSON need none of it

    parent: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # Any: PyYAML may be built without its C part
    plain = "tag:yaml.org,2002:str"

    def text(dumper: Any, said: str) -> Any:  # noqa: ANN401  reason: as above
        style = "|" if "\n" in said else None
        if style is None and dumper.resolve(yaml.ScalarNode, said, (True, False)) != plain:
            style = '"'
        return dumper.represent_scalar(plain, said, style)

    dumper: Any = type("Dumper", (parent,), {})  # Any: made of whichever parent there is
    dumper.add_representer(str, text)
    return str(
        yaml.dump(value, Dumper=dumper, default_flow_style=False, allow_unicode=True, sort_keys=True, width=1 << 16)
    )
