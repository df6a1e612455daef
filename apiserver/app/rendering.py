"""Puts stored objects into the form that was asked for; objects as they are go out as the bytes they are kept in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from upright.openapi.documents.partial import partial
from upright.openapi.documents.tables import IncludeObject, table
from upright.openapi.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from upright.apiserver.app.exchange import Exchange
    from upright.apiserver.app.forms import Form
    from upright.apiserver.options import Listing
    from upright.apiserver.storage.records import Stored
    from upright.openapi.meta import Json
    from upright.openapi.scheme import Kind

_INCLUDES: dict[str, IncludeObject] = {"": "Metadata", "Metadata": "Metadata", "None": "None", "Object": "Object"}


def include_object(exchange: Exchange) -> IncludeObject:
    """Return how much of the object a table's rows carry. Raises BadRequest."""
    asked = exchange.one("includeObject")
    if asked not in _INCLUDES:
        raise BadRequest(f'includeObject="{asked}": want None, Metadata or Object')
    return _INCLUDES[asked]


def one(kind: Kind, stored: Stored, form: Form, include: IncludeObject, now: Callable[[], datetime]) -> bytes:
    """Return one object."""
    if form.shape == "table":
        made = table(kind, [stored.body], now(), include=include, version=_meta(form))
        made["metadata"] = {"resourceVersion": str(stored.revision)}
        return orjson.dumps(made)
    if form.shape == "partial":
        return orjson.dumps(partial(stored.body, _meta(form)))
    return stored.data


def many(kind: Kind, listing: Listing, form: Form, include: IncludeObject, now: Callable[[], datetime]) -> bytes:
    """Return a page of a list."""
    metadata = _list_metadata(listing)
    if form.shape == "table":
        bodies = [stored.body for stored in listing.items]
        return orjson.dumps(table(kind, bodies, now(), include=include, version=_meta(form)) | {"metadata": metadata})
    if form.shape == "partial":
        version = _meta(form)
        return _joined(
            "PartialObjectMetadataList",
            version,
            metadata,
            [orjson.dumps(partial(stored.body, version)) for stored in listing.items],
        )
    return _joined(f"{kind.kind}List", kind.api_version, metadata, [stored.data for stored in listing.items])


def _list_metadata(listing: Listing) -> Json:
    metadata: Json = {"resourceVersion": str(listing.revision)}
    if listing.continue_:
        metadata["continue"] = listing.continue_
    if listing.remaining:
        metadata["remainingItemCount"] = listing.remaining
    return metadata


def _joined(kind: str, version: str, metadata: Json, items: Sequence[bytes]) -> bytes:
    head = orjson.dumps({"kind": kind, "apiVersion": version, "metadata": metadata})
    return b"".join((head[:-1], b',"items":[', b",".join(items), b"]}"))


def _meta(form: Form) -> str:
    return f"meta.k8s.io/{form.version or 'v1'}"
