"""OpenAPI v2: all group-versions in one document, for clients that know no v3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upright.openapi.documents import tokens
from upright.openapi.documents.openapi_v3 import places
from upright.openapi.documents.operations import Operation, operations, spelled
from upright.openapi.documents.schemas import REFERENCE, schemas

if TYPE_CHECKING:
    from upright.openapi.meta import Json
    from upright.openapi.scheme import Scheme

_DEFINITIONS = "#/definitions/"


def document(scheme: Scheme) -> Json:
    """Return the one document of the scheme."""
    paths: dict[str, Json] = {}
    definitions: dict[str, Json] = {}
    for group, version in places(scheme).values():
        definitions |= schemas(scheme, group, version)
        for operation in operations(scheme, group, version):
            paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    if tokens.has_tokens(scheme):
        definitions |= tokens.schemas()
        paths |= {path: _older_path(path_item) for path, path_item in tokens.paths().items()}
    return {
        "swagger": "2.0",
        "info": {"title": "Upright", "version": "v1"},
        "paths": {path: paths[path] for path in sorted(paths)},
        "definitions": {name: _older(definitions[name]) for name in sorted(definitions)},
        "securityDefinitions": {"BearerToken": {"type": "apiKey", "name": "authorization", "in": "header"}},
        "security": [{"BearerToken": []}],
    }


def _operation(operation: Operation) -> Json:
    parameters: list[Json] = [{**spelled(p), "type": p.type} for p in operation.parameters]
    if operation.body:
        needed = {"required": True} if operation.method != "delete" else {}
        parameters.append({"name": "body", "in": "body", "schema": _reference(operation.body), **needed})
    answer = {"schema": _reference(operation.answer)} if operation.answer else {"schema": {"type": "string"}}
    return {
        "tags": [f"{operation.kind.group or 'core'}_{operation.kind.version}"],
        "description": operation.description,
        "operationId": operation.id,
        "consumes": list(operation.takes) or ["*/*"],
        "produces": ["application/json"] if operation.answer else ["text/plain"],
        "parameters": parameters,
        "responses": {"200": {"description": "OK", **answer}, "401": {"description": "Unauthorized"}},
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": operation.gvk,
    }


def _older_path(item: Json) -> Json:
    """Say in OpenAPI 2.0 what stands at a path."""
    return {
        key: [_older_parameter(one) for one in value] if key == "parameters" else _older_operation(value)
        for key, value in item.items()
    }


def _older_parameter(parameter: Json) -> Json:
    schema: Json = _older(parameter["schema"])
    return {key: value for key, value in parameter.items() if key != "schema"} | schema


def _older_operation(operation: Json) -> Json:
    made = {key: value for key, value in operation.items() if key != "requestBody"}
    if body := operation.get("requestBody"):
        made["parameters"] = [{"name": "body", "in": "body", "required": True, "schema": _schema(body)}]
    made["responses"] = {
        code: {"description": answer["description"], "schema": _schema(answer)}
        for code, answer in operation["responses"].items()
    }
    return {"consumes": ["application/json"], "produces": ["application/json"], **made}


def _schema(part: Json) -> Json:
    return dict(_older(part["content"]["application/json"]["schema"]))


def _reference(name: str) -> Json:
    return {"$ref": _DEFINITIONS + name}


def _older(schema: Any) -> Any:  # noqa: ANN401  reason: a JSON schema nests any JSON
    """Say in OpenAPI 2.0 what was said in 3.0: a reference stands alone, and there is no oneOf."""
    if isinstance(schema, list):
        return [_older(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "allOf" in schema:
        return _older({**schema["allOf"][0], **{key: value for key, value in schema.items() if key != "allOf"}})
    if "oneOf" in schema:
        return {"type": "string", **{key: value for key, value in schema.items() if key != "oneOf"}}
    return {
        key: value.replace(REFERENCE, _DEFINITIONS) if key == "$ref" else _older(value) for key, value in schema.items()
    }
