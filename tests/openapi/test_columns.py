"""The columns of every kind: those that were promised, and that each has something to say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from upright.openapi.documents import openapi_v3
from upright.openapi.documents.rendered import SCHEMES, scheme
from upright.openapi.documents.schemas import schema_name
from upright.openapi.documents.tables import cells
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.resource import Resource
from upright.openapi.v1alpha1.session import Session

if TYPE_CHECKING:
    from upright.openapi.meta import Json, Object

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DEPTH = 7
KINDS = {kind.definition.resource: (name, kind) for name in SCHEMES for kind in scheme(name)}
FROM_KUBERNETES = {"events", "nodes", "pods", "services"}
"""Some of whose columns say <none> or nothing on purpose, as Kubernetes' do; a recorded answer holds them."""


def body(**parts: object) -> Json:
    return {"metadata": {"name": "x", "creationTimestamp": "2026-01-01T11:59:00Z"}, **parts}


PROMISED: list[tuple[type[Object], list[str], Json, list[object]]] = [
    (
        Session,
        ["NAME", "EXIT", "DONE", "READY", "ERROR", "AGE"],
        body(
            spec={"exitCondition": "ci"},
            status={
                "done": True,
                "error": "it broke",
                "targets": [{"state": {"active": {"ready": n < 7}}} for n in range(9)],
            },
        ),
        ["x", "ci", True, "7/9", "it broke", "60s"],
    ),
    (
        Resource,
        ["NAME", "UPDATE", "RUNTIME", "WAITING ON", "POD", "AGE"],
        body(
            status={
                "updateStatus": "ok",
                "runtimeStatus": "pending",
                "waiting": {"reason": "waiting-for-deps", "on": [{"name": "db"}, {"name": "mq"}]},
                "k8sResourceInfo": {"podName": "web-1"},
            }
        ),
        ["x", "ok", "pending", "waiting-for-deps db,mq", "web-1", "60s"],
    ),
    (
        Cluster,
        ["NAME", "PRODUCT", "VERSION", "REGISTRY", "ERROR", "AGE"],
        body(
            status={
                "connection": {"kubernetes": {"product": "kind"}},
                "version": "v1.36.2",
                "registry": {"host": "localhost:5000"},
                "error": "gone",
            }
        ),
        ["x", "kind", "v1.36.2", "localhost:5000", "gone", "60s"],
    ),
]


@pytest.mark.parametrize(("kind", "names", "told", "row"), PROMISED, ids=["session", "resource", "cluster"])
def test_the_promised_columns_are_there_and_say_what_they_are_called(
    kind: type[Object], names: list[str], told: Json, row: list[object]
) -> None:
    assert [column.name for column in kind.definition.columns] == names
    assert cells(kind.definition, told, NOW) == row


def sample(document: Json, schema: Json, depth: int = 0) -> Any:  # noqa: ANN401  reason: any JSON
    """Return a value in which every field of the schema has something."""
    if inner := schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf"):
        return sample(document, inner[0], depth)
    if "$ref" in schema:
        return sample(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], depth)
    deeper = depth < DEPTH
    if schema.get("type") == "object":
        more = schema.get("additionalProperties")
        found: Json = {"k": sample(document, more, depth + 1)} if deeper and isinstance(more, dict) else {}
        properties = schema.get("properties", {}) if deeper else {}
        return found | {name: sample(document, one, depth + 1) for name, one in properties.items()}
    if schema.get("type") == "array":
        return [sample(document, schema.get("items", {}), depth + 1)] if deeper else []
    return scalar(schema)


def scalar(schema: Json) -> object:
    kind = str(schema.get("type"))
    if kind == "string" and schema.get("format") == "date-time":
        return "2026-01-01T11:00:00Z"
    plain: dict[str, object] = {"integer": 1, "number": 1, "boolean": True}
    return plain.get(kind, (schema.get("enum") or ["text"])[-1])


@pytest.mark.parametrize("resource", sorted(KINDS))
def test_every_kind_has_columns_worth_reading(resource: str) -> None:
    name, kind = KINDS[resource]
    about = kind.definition
    assert len(about.columns) >= 3
    assert {"NAME", "AGE"} <= {column.name for column in about.columns} or resource == "events"
    assert all(column.description and column.name == column.name.upper() for column in about.columns)
    document = openapi_v3.document(scheme(name), about.group, about.version)
    full = sample(document, document["components"]["schemas"][schema_name(about)])
    full["metadata"] |= {"name": "x", "creationTimestamp": "2026-01-01T11:59:00Z"}
    row = dict(zip((column.name for column in about.columns), cells(about, full, NOW), strict=True))
    silent = {column for column, cell in row.items() if cell in {None, "", "<none>", "<unknown>"}}
    assert not silent or resource in FROM_KUBERNETES, row
