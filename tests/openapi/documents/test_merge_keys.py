from __future__ import annotations

from typing import ClassVar

from upright.openapi.documents.schemas import schemas
from upright.openapi.meta import Model, Object
from upright.openapi.scheme import Kind, Scheme


class Part(Model):
    """A part."""

    name: str
    size: int | str = 0


class BoxSpec(Model):
    """What is in the box."""

    parts: tuple[Part, ...] = ()


class Box(Object):
    """A box."""

    definition: ClassVar[Kind] = Kind("", "v1", "Box", "boxes", merge_keys={"spec.parts": "name"})

    spec: BoxSpec = BoxSpec()


def test_a_list_with_a_merge_key_says_so_where_the_path_leads() -> None:
    made = schemas(Scheme([Box]), "", "v1")
    parts = made["io.k8s.api.core.v1.BoxSpec"]["properties"]["parts"]
    assert parts["x-kubernetes-patch-merge-key"] == "name"
    assert parts["x-kubernetes-patch-strategy"] == "merge"


def test_what_may_be_a_number_or_a_text_is_int_or_string() -> None:
    made = schemas(Scheme([Box]), "", "v1")
    size = made["io.k8s.api.core.v1.Part"]["properties"]["size"]
    assert size == {"format": "int-or-string", "oneOf": [{"type": "integer", "format": "int64"}, {"type": "string"}]}
