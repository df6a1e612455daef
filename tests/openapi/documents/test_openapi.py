from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import upright.openapi.v1alpha1 as tilt
from upright.openapi.documents import openapi_v2, openapi_v3
from upright.openapi.documents.__main__ import SPEC, write
from upright.openapi.documents.rendered import SCHEMES, rendered
from upright.openapi.scheme import discover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json

GROUP, VERSION = "tilt.dev", "v1alpha1"
SESSIONS = f"/apis/{GROUP}/{VERSION}/sessions"


@pytest.fixture(scope="module")
def document() -> Json:
    return openapi_v3.document(discover(tilt), GROUP, VERSION)


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def test_every_reference_leads_to_a_schema(document: Json) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(_references(document)) <= known


def test_every_reference_of_the_older_document_leads_to_a_definition() -> None:
    older = openapi_v2.document(discover(tilt))
    assert set(_references(older)) <= {f"#/definitions/{name}" for name in older["definitions"]}


def test_a_patch_tells_kubectl_what_it_looks_for(document: Json) -> None:
    patch = document["paths"][f"{SESSIONS}/{{name}}"]["patch"]
    assert {"dryRun", "fieldManager", "fieldValidation", "force"} <= {p["name"] for p in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"] == {"group": GROUP, "kind": "Session", "version": VERSION}
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]


def test_operation_ids_are_told_apart(document: Json) -> None:
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))


def test_a_kind_is_described_by_its_docstring_and_its_wire_names(document: Json) -> None:
    schemas = document["components"]["schemas"]
    session = schemas["dev.tilt.v1alpha1.Session"]
    assert session["description"] == "One run of a Tiltfile to its verdict."
    assert session["x-kubernetes-group-version-kind"] == [{"group": GROUP, "kind": "Session", "version": VERSION}]
    assert "k8sGracePeriod" in schemas["dev.tilt.v1alpha1.SessionCISpec"]["properties"]


def test_schemas_say_nothing_that_openapi_3_0_does_not_know(document: Json) -> None:
    def words(part: object) -> Iterator[str]:
        if isinstance(part, dict):
            for key, value in part.items():
                yield key
                yield from words(value)
        elif isinstance(part, list):
            for value in part:
                yield from words(value)

    assert not {"anyOf", "const", "$defs", "prefixItems", "x-class"} & set(words(document["components"]["schemas"]))


def test_the_index_names_each_document_with_its_hash() -> None:
    assert openapi_v3.index({"apis/tilt.dev/v1alpha1": "ABC"}) == {
        "paths": {"apis/tilt.dev/v1alpha1": {"serverRelativeURL": "/openapi/v3/apis/tilt.dev/v1alpha1?hash=ABC"}}
    }


def test_the_tokens_of_a_shared_server_are_described_in_both_versions() -> None:
    newer, older = openapi_v3.documents(discover(tilt))["tokens"](), openapi_v2.document(discover(tilt))
    assert set(_references(newer)) <= {f"#/components/schemas/{name}" for name in newer["components"]["schemas"]}
    for document in (newer, older):
        assert set(document["paths"]["/api/tokens"]) == {"get", "post"}
        assert "delete" in document["paths"]["/api/tokens/{name}"]


@pytest.mark.parametrize("name", SCHEMES)
def test_the_committed_documents_are_what_the_kinds_say(name: str) -> None:
    """Where this fails it has written them anew: look at the difference, and commit openapi/spec/."""
    made = rendered(name)
    committed = {str(path.relative_to(SPEC)): path.read_text() for path in (SPEC / name).rglob("*.json")}
    stale = {path for path in made.keys() | committed.keys() if made.get(path) != committed.get(path)}
    write(name)
    assert not stale, "these were stale and are written anew: commit openapi/spec/"
