"""Schemas of what is not a kind but travels with kinds: list metadata, Status, DeleteOptions, patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upright.openapi.meta import Json

META_PREFIX = "io.k8s.apimachinery.pkg.apis.meta.v1"
SCALE = "io.k8s.api.autoscaling.v1.Scale"
EVICTION = "io.k8s.api.policy.v1.Eviction"

_STRING: Json = {"type": "string"}
_INT32: Json = {"type": "integer", "format": "int32"}
_INT64: Json = {"type": "integer", "format": "int64"}
_STRINGS: Json = {"type": "array", "items": _STRING}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{META_PREFIX}.{name}"}


def _object(description: str, **properties: Json) -> Json:
    return {"description": description, "type": "object", "properties": properties}


META_SCHEMAS: dict[str, Json] = {
    f"{META_PREFIX}.{name}": schema
    for name, schema in {
        "ListMeta": _object(
            "What is known of a list: its snapshot, and how to go on.",
            **{"continue": _STRING, "remainingItemCount": _INT64, "resourceVersion": _STRING, "selfLink": _STRING},
        ),
        "DeleteOptions": _object(
            "How an object is to be deleted.",
            apiVersion=_STRING,
            kind=_STRING,
            dryRun=_STRINGS,
            gracePeriodSeconds=_INT64,
            orphanDependents={"type": "boolean"},
            preconditions=_ref("Preconditions"),
            propagationPolicy=_STRING,
        ),
        "Preconditions": _object("What must hold, or the answer is Conflict.", resourceVersion=_STRING, uid=_STRING),
        "Patch": {"description": "A patch in the form that the content type names.", "type": "object"},
        "Status": _object(
            "The answer of a call that does not return an object.",
            apiVersion=_STRING,
            code=_INT32,
            details=_ref("StatusDetails"),
            kind=_STRING,
            message=_STRING,
            metadata=_ref("ListMeta"),
            reason=_STRING,
            status=_STRING,
        ),
        "StatusDetails": _object(
            "Which object, and which of its fields.",
            causes={"type": "array", "items": _ref("StatusCause")},
            group=_STRING,
            kind=_STRING,
            name=_STRING,
            retryAfterSeconds=_INT32,
            uid=_STRING,
        ),
        "StatusCause": _object(
            "One thing that is wrong, with its field's path.", field=_STRING, message=_STRING, reason=_STRING
        ),
        "WatchEvent": {
            "description": "One change.",
            "type": "object",
            "required": ["type", "object"],
            "properties": {"object": {"type": "object"}, "type": _STRING},
        },
    }.items()
} | {
    SCALE: _object(
        "How many replicas there should be, and are.",
        apiVersion=_STRING,
        kind=_STRING,
        metadata={"type": "object"},
        spec=_object("What is wanted.", replicas=_INT32),
        status=_object("What is.", replicas=_INT32, selector=_STRING),
    ),
    EVICTION: _object(
        "That a Pod is to go, if nothing forbids it.",
        apiVersion=_STRING,
        deleteOptions=_ref("DeleteOptions"),
        kind=_STRING,
        metadata={"type": "object"},
    ),
}
