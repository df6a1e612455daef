"""What one version of an object's body is: stamped with its revision, and equal to another or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from upright.apiserver.storage.records import Stored
    from upright.openapi.meta import Json


def versioned(body: Json, revision: int) -> Json:
    """Return the body with its resourceVersion filled in."""
    return {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": str(revision)}}


def same(current: Stored, body: Json) -> bool:
    """Return whether the body is what is stored already, whatever resourceVersion it says."""
    body = versioned(body, current.revision)
    if orjson.dumps(body) == current.data:
        return True
    # Python holds 1 and true for equal; JSON does not. So equal dictionaries are compared again, as sorted bytes.
    return body == current.body and _sorted(body) == _sorted(current.body)


def _sorted(body: Json) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
