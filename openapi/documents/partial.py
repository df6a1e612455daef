"""PartialObjectMetadata: an object without its content, for clients that only want to know that it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upright.openapi.meta import Json

META_VERSION = "meta.k8s.io/v1"


def partial(body: Json, version: str = META_VERSION) -> Json:
    """Return the object's metadata in the envelope of its own."""
    return {"kind": "PartialObjectMetadata", "apiVersion": version, "metadata": body.get("metadata") or {}}
