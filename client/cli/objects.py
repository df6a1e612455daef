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


def rendered(bodies: Sequence[Json], form: Format, *, single: bool) -> str:
    """Return the object if it was asked for alone, else a List of all."""
    if single and len(bodies) == 1:
        return document(bodies[0], form)
    return document(
        {"apiVersion": "v1", "items": list(bodies), "kind": "List", "metadata": {"resourceVersion": ""}}, form
    )


def document(body: Json, form: Format) -> str:
    """Return one document, ended by a line feed."""
    if form == "json":
        return json.dumps(body, indent=4, ensure_ascii=False) + "\n"
    return as_yaml(body)


def as_yaml(value: Any) -> str:  # noqa: ANN401  reason: any JSON value
    """Return a value as YAML, laid out as kubectl does."""
    import yaml  # noqa: PLC0415  reason: takes 30 ms; tables and JSON need none of it

    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # Any: PyYAML may be built without its C part
    return str(
        yaml.dump(value, Dumper=dumper, default_flow_style=False, allow_unicode=True, sort_keys=True, width=1 << 16)
    )
