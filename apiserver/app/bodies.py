"""Reads the bodies of requests: JSON, YAML, patches; what is not one of them is refused with what to send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import orjson

from upright.apiserver.app.nesting import require_shallow
from upright.openapi.errors import BadRequest, UnsupportedMediaType

if TYPE_CHECKING:
    from upright.openapi.meta import Json

PatchType = Literal["merge", "json", "strategic", "apply"]

_PATCHES: dict[str, PatchType] = {
    "application/merge-patch+json": "merge",
    "application/json-patch+json": "json",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
_YAML = frozenset(
    {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/apply-patch+yaml"}
)
_JSON = frozenset({"", "application/json", "text/json", "*/*"})
PROTOBUF = "application/vnd.kubernetes.protobuf"


def media_type(header: str) -> str:
    """Return a Content-Type without its parameters, in lower case."""
    return header.partition(";")[0].strip().lower()


def read_object(raw: bytes, content_type: str, *, whole: bool = True) -> Json:
    """Return the JSON object of a body. Raises BadRequest, UnsupportedMediaType.

    ``whole``: it is not a status, which is not read as protobuf.
    """
    media = media_type(content_type)
    if media == PROTOBUF and whole:
        return _protobuf(raw)
    if media in _YAML:
        return _an_object(_yaml(raw))
    if media not in _JSON:
        raise _unsupported(media, "application/json or application/yaml")
    return _an_object(_json(raw))


def read_optional(raw: bytes, content_type: str) -> Json:
    """Return the JSON object of a body that may be missing."""
    return read_object(raw, content_type) if raw.strip() else {}


def read_patch(raw: bytes, content_type: str) -> tuple[PatchType, Json | list[Json]]:
    """Return the type of patch and its body: a list for a JSON patch, else an object."""
    media = media_type(content_type)
    kind = _PATCHES.get(media)
    if kind is None:
        raise _unsupported(media, ", ".join(_PATCHES))
    if kind == "json":
        return kind, _operations(_json(raw))
    return kind, _an_object(_yaml(raw) if kind == "apply" else _json(raw))


def _json(raw: bytes) -> Any:  # noqa: ANN401  reason: a decoded document
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    require_shallow(raw, body)
    return body


def _yaml(raw: bytes) -> Any:  # noqa: ANN401  reason: a decoded document
    if raw[:1] == b"{":
        return _json(raw)
    from upright.apiserver.app.yaml_bodies import load  # noqa: PLC0415  reason: yaml is rarely needed, and slow to import

    return load(raw)


def _protobuf(raw: bytes) -> Json:
    from upright.openapi.protobuf.reading import ProtobufError, read  # noqa: PLC0415  reason: helm and kubectl create only

    try:
        return read(raw)
    except ProtobufError as error:
        raise UnsupportedMediaType(
            f"the protobuf body cannot be read: {error}; send application/json (kubectl does with `kubectl apply -f FILE`)"
        ) from error


def _an_object(body: object) -> Json:
    if not isinstance(body, dict):
        raise BadRequest("the body must be an object, such as {...}")
    return body


def _operations(body: object) -> list[Json]:
    if not isinstance(body, list) or not all(isinstance(operation, dict) for operation in body):
        raise BadRequest("the body of a JSON patch must be a list of operations")
    return body


def _unsupported(media: str, supported: str) -> UnsupportedMediaType:
    hint = (
        " (as protobuf, only Kubernetes' own kinds are read, and no status; kubectl sends JSON with `kubectl apply -f FILE`)"
        if media == PROTOBUF
        else ""
    )
    return UnsupportedMediaType(f'the body\'s content type "{media}" is not supported{hint}: send {supported}')
