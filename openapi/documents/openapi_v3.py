"""OpenAPI v3: an index, and one document a group-version."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from upright.openapi.documents import tokens
from upright.openapi.documents.discovery import group_versions
from upright.openapi.documents.operations import Operation, operations, spelled
from upright.openapi.documents.schemas import reference, schemas

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.openapi.meta import Json
    from upright.openapi.scheme import Scheme

_ANSWERS = ("application/json",)
_ANSWERS_OF_LISTS = ("application/json", "application/json;stream=watch")


def places(scheme: Scheme) -> dict[str, tuple[str, str]]:
    """Return where each group-version's document stands below ``/openapi/v3/``: ``apis/tilt.dev/v1alpha1``."""
    return {
        (f"apis/{group}/{version}" if group else f"api/{version}"): (group, version)
        for group, versions in group_versions(scheme).items()
        for version in versions
    }


def documents(scheme: Scheme) -> dict[str, Callable[[], Json]]:
    """Return what makes each document of a scheme, by its place: of each group-version, and of the tokens."""
    made = {place: partial(document, scheme, *where) for place, where in places(scheme).items()}
    return {**made, **({tokens.PLACE: tokens.document} if tokens.has_tokens(scheme) else {})}


def index(hashes: dict[str, str]) -> Json:
    """Return the answer of ``/openapi/v3`` for documents with these hashes, by place."""
    return {
        "paths": {
            place: {"serverRelativeURL": f"/openapi/v3/{place}?hash={digest}"} for place, digest in hashes.items()
        }
    }


def document(scheme: Scheme, group: str, version: str) -> Json:
    """Return the document of one group-version."""
    paths: dict[str, Json] = {}
    for operation in operations(scheme, group, version):
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Upright", "version": "v1"},
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {
            "schemas": schemas(scheme, group, version),
            "securitySchemes": {"BearerToken": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"BearerToken": []}],
    }


def _operation(operation: Operation) -> Json:
    told: Json = {
        "tags": [f"{operation.kind.group or 'core'}_{operation.kind.version}"],
        "description": operation.description,
        "operationId": operation.id,
        "parameters": [{**spelled(p), "schema": {"type": p.type}} for p in operation.parameters],
        "responses": {"200": _response(operation), "401": {"description": "Unauthorized"}},
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": operation.gvk,
    }
    if operation.body:
        takes = operation.takes or ("*/*",)
        told["requestBody"] = {
            "content": {media: {"schema": reference(operation.body)} for media in takes},
            **({"required": True} if operation.method != "delete" else {}),
        }
    return told


def _response(operation: Operation) -> Json:
    if not operation.answer:
        return {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}}
    media = _ANSWERS_OF_LISTS if operation.action == "list" else _ANSWERS
    return {"description": "OK", "content": {name: {"schema": reference(operation.answer)} for name in media}}
