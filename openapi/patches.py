"""What a patch makes of an object: JSON patch (RFC 6902), merge patch (RFC 7386), Kubernetes' strategic merge patch.

None of them changes what it is given.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, cast

from upright.openapi.errors import BadRequest, Cause, Invalid, RequestEntityTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from upright.openapi.meta import Json

OPERATIONS_AT_MOST = 10_000
COPIED_BYTES_AT_MOST = 1024 * 1024
_DIRECTIVE = "$patch"
_ORDER = "$setElementOrder"
_DELETE_VALUES = "$deleteFromPrimitiveList"
_RETAIN = "$retainKeys"
_EVERY_KIND = {"metadata.ownerReferences": "uid", "metadata.finalizers": ""}


def merge(body: Json, patch: Json) -> Json:
    """Apply a merge patch: null deletes, objects merge, all else replaces. Raises BadRequest."""
    if not isinstance(patch, dict):
        raise BadRequest("a merge patch is a JSON object")
    return _merged(body, patch)


def _merged(body: Json, patch: Json) -> Json:
    merged = dict(body)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            here = merged.get(key)
            merged[key] = _merged(here if isinstance(here, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def json_patch(body: Json, ops: Sequence[Json]) -> Json:
    """Apply a JSON patch. Raises BadRequest for what is no patch, Invalid for one that does not fit the object."""
    import jsonpatch  # noqa: PLC0415  reason: 13 ms that most processes never need

    if not isinstance(ops, list):
        raise BadRequest("a JSON patch is a list of operations")
    if len(ops) > OPERATIONS_AT_MOST:
        raise BadRequest(f"a JSON patch may have {OPERATIONS_AT_MOST} operations, this one has {len(ops)}")
    try:
        patched = _operated(body, ops)
    except jsonpatch.InvalidJsonPatch as error:
        raise BadRequest(f"the JSON patch cannot be understood: {error}") from error
    except RecursionError as error:
        raise BadRequest("the JSON patch nests the object too deeply") from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise Invalid(
            f"the JSON patch does not fit the object: {error}", causes=[Cause("patch", str(error))]
        ) from error
    except (TypeError, AttributeError, KeyError, IndexError) as error:
        # The library meets a scalar where the path goes on.
        raise Invalid(
            f"the JSON patch does not fit the object: {error}", causes=[Cause("patch", str(error))]
        ) from error
    if not isinstance(patched, dict):
        raise BadRequest("the JSON patch leaves no object")
    return cast("Json", patched)  # reason: every JSON object's keys are text


def _operated(body: Json, ops: Sequence[Json]) -> Any:  # noqa: ANN401  reason: an operation may leave anything
    """Do one operation after the other. Copies of copies are refused in time: a few dozen would fill any memory."""
    import jsonpatch  # noqa: PLC0415  reason: as above
    import jsonpointer  # noqa: PLC0415  reason: comes with it

    patch = jsonpatch.JsonPatch(ops)
    if not any(operation["op"] == "copy" for operation in ops):
        return patch.apply(body)
    patched: Any = copy.deepcopy(body)
    copied = 0
    for operation in ops:
        if operation["op"] == "copy":
            copied += len(json.dumps(jsonpointer.resolve_pointer(patched, operation["from"], None)))
        if copied > COPIED_BYTES_AT_MOST:
            raise RequestEntityTooLarge(f"a JSON patch may copy {COPIED_BYTES_AT_MOST} bytes, this one copies more")
        patched = jsonpatch.JsonPatch([operation]).apply(patched, in_place=True)
    return patched


def strategic(body: Json, patch: Json, merge_keys: Mapping[str, str]) -> Json:
    """Apply a strategic merge patch: as a merge patch, but lists with a merge key are merged by it.

    ``merge_keys``: a list's path (``spec.containers``, ``spec.containers[].ports``) to the key of its items; an empty
    key is a list of scalars that are added. Directives: $patch (replace, delete, merge), $deleteFromPrimitiveList,
    $setElementOrder, $retainKeys. Raises BadRequest.
    """
    if not isinstance(patch, dict):
        raise BadRequest("a strategic merge patch is a JSON object")
    plain = {path.replace("[]", ""): key for path, key in merge_keys.items()}
    return _Strategic(_EVERY_KIND | plain).of_map(body, patch, "")


class _Strategic:
    """One patch on its way; paths are those of the merge keys."""

    def __init__(self, merge_keys: Mapping[str, str]) -> None:
        self._merge_keys = merge_keys

    def of_map(self, body: Json, patch: Json, path: str) -> Json:
        directive = patch.get(_DIRECTIVE)
        if directive in {"replace", "delete"}:
            return {key: value for key, value in patch.items() if key != _DIRECTIVE} if directive == "replace" else {}
        if directive not in {None, "merge"}:
            raise BadRequest(
                f'unknown patch type "{directive}" at "{path or "the top"}": want replace, merge or delete'
            )
        merged = _retained(body, patch)
        for key, value in patch.items():
            if not key.startswith("$"):
                self._field(merged, key, value, f"{path}.{key}" if path else key)
        for key, value in patch.items():
            self._list_directive(merged, body, (key, _list(value)), path)
        return merged

    def _list_directive(self, merged: Json, body: Json, told: tuple[str, list[Any]], path: str) -> None:
        """Obey a directive that stands beside the list that it is about."""
        key, values = told
        directive, _, name = key.partition("/")
        if name not in merged:
            return
        here = _list(merged[name])
        if directive == _DELETE_VALUES:
            merged[name] = [item for item in here if item not in values]
        elif directive == _ORDER:
            merge_key = self._merge_keys.get(f"{path}.{name}" if path else name, "")
            merged[name] = _ordered(here, values, _list(body.get(name)), merge_key)

    def _field(self, merged: Json, key: str, value: Any, path: str) -> None:  # noqa: ANN401  reason: any JSON
        here = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = self.of_map(here if isinstance(here, dict) else {}, value, path)
        elif isinstance(value, list) and path in self._merge_keys:
            merged[key] = self.of_list(_list(here), value, path)
        else:
            merged[key] = value

    def of_list(self, items: Sequence[Any], patch: Sequence[Any], path: str) -> list[Any]:
        merge_key = self._merge_keys[path]
        if not merge_key:
            return _ordered([*items, *(item for item in patch if item not in items)], [*patch], [*items], merge_key)
        if any(_directive(item) == "replace" for item in patch):
            return [item for item in patch if _directive(item) != "replace"]
        merged = list(items)
        for change in patch:
            at = _index(merged, change, merge_key, path)
            if _directive(change) == "delete":
                merged = [item for item in merged if item.get(merge_key) != change[merge_key]]
            elif at is None:
                merged.append(self.of_map({}, change, path))
            else:
                merged[at] = self.of_map(merged[at], change, path)
        return _ordered(merged, [item for item in patch if _directive(item) != "delete"], [*items], merge_key)


def _retained(body: Json, patch: Json) -> Json:
    keep = patch.get(_RETAIN)
    return dict(body) if keep is None else {key: value for key, value in body.items() if key in keep}


def _directive(item: object) -> object:
    return item.get(_DIRECTIVE) if isinstance(item, dict) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _index(items: Sequence[Any], change: object, merge_key: str, path: str) -> int | None:
    if not isinstance(change, dict) or merge_key not in change:
        raise BadRequest(f"an item of {path} has no {merge_key}, by which such items are told apart: {change}")
    wanted = change[merge_key]
    return next((at for at, item in enumerate(items) if isinstance(item, dict) and item.get(merge_key) == wanted), None)


def _ordered(items: list[Any], order: list[Any], before: list[Any], merge_key: str) -> list[Any]:
    """Put the items that the patch names in its order; the others stay behind the neighbour they had on the server."""

    def key(item: Any) -> Any:  # noqa: ANN401  reason: any JSON scalar
        return item.get(merge_key) if merge_key and isinstance(item, dict) else item

    wanted = [key(item) for item in order]
    named = sorted((item for item in items if key(item) in wanted), key=lambda item: wanted.index(key(item)))
    return list(_woven(named, [item for item in items if key(item) not in wanted], [key(item) for item in before], key))


def _woven(named: list[Any], others: list[Any], before: list[Any], key: Callable[[Any], Any]) -> Iterator[Any]:
    """Put each of the others before the first named item that it stood before on the server."""
    for item in named:
        while others and _stood_before(key(others[0]), key(item), before):
            yield others.pop(0)
        yield item
    yield from others


def _stood_before(one: object, other: object, before: list[Any]) -> bool:
    return one in before and other in before and before.index(one) < before.index(other)
