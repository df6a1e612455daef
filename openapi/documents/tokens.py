"""The tokens of a shared server in OpenAPI: no kind of the API, for what is stored is never told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.documents.meta_schemas import META_PREFIX, META_SCHEMAS
from upright.openapi.documents.schemas import REFERENCE

if TYPE_CHECKING:
    from upright.openapi.meta import Json
    from upright.openapi.scheme import Scheme

PLACE = "tokens"
"""Where the document stands below ``/openapi/v3/``."""

_PATH = "/api/tokens"
_GROUP = "tilt.dev"
_PREFIX = "dev.upright"
_STATUS = f"{META_PREFIX}.Status"
_STRING: Json = {"type": "string"}
_SCOPE: Json = {"type": "string", "enum": ["admin", "reader"], "description": "What it opens."}
_NAME: Json = {"type": "string", "description": "What it is called: a DNS subdomain."}
_TIME: Json = {"type": "string", "format": "date-time"}
_SCHEMAS: dict[str, Json] = {
    "Token": {
        "description": "What is told of a token: all but itself.",
        "type": "object",
        "required": ["name", "scope"],
        "properties": {"name": _NAME, "scope": _SCOPE, "created": _TIME, "expires": _TIME},
    },
    "TokenList": {
        "description": "All tokens.",
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": {"$ref": f"{REFERENCE}{_PREFIX}.Token"}}},
    },
    "TokenRequest": {
        "description": "The token that is wanted.",
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": _NAME,
            "scope": _SCOPE,
            "expiresAfter": {
                "type": "string",
                "description": "For how long it is good (720h); without it, until it is revoked.",
            },
        },
    },
    "TokenMade": {
        "description": "A new token, which is told this once.",
        "type": "object",
        "required": ["name", "scope", "token"],
        "properties": {"name": _NAME, "scope": _SCOPE, "token": _STRING},
    },
}


def has_tokens(scheme: Scheme) -> bool:
    """Say whether servers of this scheme can be shared; the embedded cluster's are not."""
    return any(kind.definition.group == _GROUP for kind in scheme)


def schemas() -> dict[str, Json]:
    """Return the schemas by name, with those that they refer to."""
    told = {f"{META_PREFIX}.{name}" for name in ("Status", "StatusDetails", "StatusCause", "ListMeta")}
    needed = {name: META_SCHEMAS[name] for name in sorted(told)}
    return {f"{_PREFIX}.{name}": schema for name, schema in _SCHEMAS.items()} | needed


def paths() -> dict[str, Json]:
    """Return the operations by path and method, as OpenAPI 3.0 has them."""
    made = {"201": _answer("TokenMade"), **_failures("400", "403", "409", "415")}
    name = {"name": "name", "in": "path", "required": True, "schema": _STRING, "description": "name of the token"}
    body = {"content": {"application/json": {"schema": _reference("TokenRequest")}}, "required": True}
    return {
        _PATH: {
            "get": _operation("listTokens", "list the tokens of a shared server", {"200": _answer("TokenList")}),
            "post": _operation("createToken", "create a token of a shared server", made) | {"requestBody": body},
        },
        f"{_PATH}/{{name}}": {
            "delete": _operation("revokeToken", "revoke a token, at once", {"200": _status("OK"), **_failures("404")}),
            "parameters": [name],
        },
    }


def document() -> Json:
    """Return the document for OpenAPI 3.0."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Upright", "version": "v1"},
        "paths": paths(),
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"BearerToken": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"BearerToken": []}],
    }


def _operation(name: str, description: str, responses: dict[str, Json]) -> Json:
    told = {**responses, **_failures("401", "403")}
    return {"tags": ["tokens"], "description": description, "operationId": name, "responses": told}


def _reference(name: str) -> Json:
    return {"$ref": f"{REFERENCE}{_PREFIX}.{name}"}


def _answer(name: str) -> Json:
    return {"description": "OK", "content": {"application/json": {"schema": _reference(name)}}}


def _status(description: str) -> Json:
    schema = {"$ref": f"{REFERENCE}{_STATUS}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _failures(*codes: str) -> dict[str, Json]:
    return {code: _status("Why not") for code in codes}
