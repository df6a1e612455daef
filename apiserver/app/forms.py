"""In which form an answer is wanted: the object itself, a Table, its metadata only, events for a browser."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from msgspec import Struct

from upright.openapi.errors import NotAcceptable

Shape = Literal["object", "table", "partial", "discovery", "events"]

_AS: dict[str, Shape] = {
    "Table": "table",
    "PartialObjectMetadata": "partial",
    "PartialObjectMetadataList": "partial",
    "APIGroupDiscoveryList": "discovery",
}
_GROUPS: dict[Shape, tuple[str, tuple[str, ...]]] = {
    "table": ("meta.k8s.io", ("v1", "v1beta1")),
    "partial": ("meta.k8s.io", ("v1", "v1beta1")),
    "discovery": ("apidiscovery.k8s.io", ("v2", "v2beta1")),
}
_PLAIN = frozenset({"application/json", "application/*", "*/*", "text/*"})


class Form(Struct, frozen=True):
    """The shape, and the version of the group that defines it (``v1`` of meta.k8s.io, ``v2`` of apidiscovery)."""

    shape: Shape
    version: str = ""


OBJECT = Form("object")


@lru_cache(maxsize=256)
def wanted(accept: str) -> Form:
    """Return the first form of an Accept header that we have; JSON where anything goes.

    Raises NotAcceptable if there is none: protobuf and nothing else, for example.
    """
    if not accept:
        return OBJECT
    ranges = [_range(text) for text in accept.split(",")]
    for media, parameters in sorted(ranges, key=lambda found: -_quality(found[1])):
        if form := _form(media, parameters):
            return form
    raise NotAcceptable(f"only application/json is served here, not {accept[:200]}: send Accept: application/json")


def _range(text: str) -> tuple[str, dict[str, str]]:
    media, *rest = (part.strip() for part in text.split(";"))
    return media.lower(), dict(part.split("=", 1) for part in rest if "=" in part)


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 0.0


def _form(media: str, parameters: dict[str, str]) -> Form | None:
    if media == "text/event-stream":
        return Form("events")
    if media not in _PLAIN:
        return None
    if "as" not in parameters:
        return OBJECT
    shape = _AS.get(parameters["as"])
    if shape is None:
        return None
    group, versions = _GROUPS[shape]
    version = parameters.get("v", "")
    return Form(shape, version) if parameters.get("g") == group and version in versions else None
