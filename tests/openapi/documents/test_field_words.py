"""What fields mean is told by the documents, so by ``explain``: of kinds of ours, each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.documents.field_words import words
from upright.openapi.documents.rendered import scheme
from upright.openapi.documents.schemas import schemas
from upright.openapi.meta import Model
from upright.openapi.v1alpha1.docker_image import DockerImageStatus, ImageStatus

if TYPE_CHECKING:
    from upright.openapi.meta import Json


def test_each_field_of_our_kinds_is_told() -> None:
    found = schemas(scheme("upright"), "tilt.dev", "v1alpha1")
    untold = [
        f"{name}.{field}"
        for name, schema in found.items()
        if name.startswith("dev.tilt.") or name.endswith((".ObjectMeta", ".OwnerReference"))
        for field, described in (schema.get("properties") or {}).items()
        if not described.get("description") and not refers(described)
    ]
    assert untold == []


def test_no_field_of_ours_is_told_in_pythons_words() -> None:
    found = schemas(scheme("upright"), "tilt.dev", "v1alpha1")
    said = [
        f"{name}.{field}: {described['description']}"
        for name, schema in found.items()
        for field, described in (schema.get("properties") or {}).items()
        if {"None", "True.", "tuple"} & set(described.get("description", "").split())
    ]
    assert said == []


def test_what_is_said_of_a_field_is_inherited() -> None:
    assert words(DockerImageStatus)["ref"] == words(ImageStatus)["ref"]


def test_of_a_class_without_source_nothing_is_said() -> None:
    assert words(type("Made", (Model,), {"__module__": "elsewhere"})) == {}


def refers(schema: Json) -> bool:
    """Whether it is another schema, or a list or map of another: that one says what it is."""
    inside = schema.get("items") or schema.get("additionalProperties") or {}
    return any("$ref" in part or "allOf" in part for part in (schema, inside))
