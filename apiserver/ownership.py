"""Who set which fields of an object: the managers in its metadata, as Kubernetes writes them in FieldsV1. Pure.

A path is a tuple of FieldsV1's words: ``f:spec``, ``k:{"name":"main"}`` (an item of a list with a merge key), ``v:"x"`` (a
value of a set). Lists without a merge key are one value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from upright.openapi.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from upright.openapi.meta import Json, Object

Path = tuple[str, ...]
Fields = dict[Path, Any]  # Any: the JSON value at the path

ABSENT = object()
_ITEM = "k:"
_EVERY_KIND = {"metadata.ownerReferences": "uid", "metadata.finalizers": ""}
_OWNED_BY_SERVER = frozenset(
    {
        "name",
        "namespace",
        "generateName",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
    }
)


class Writer(Struct, frozen=True):
    """Who writes now, in which manner, through which subresource."""

    manager: str
    operation: str
    subresource: str
    now: datetime


class Entry(Struct, frozen=True):
    """What one manager owns; ``about`` is the entry without its fields."""

    about: Json
    paths: frozenset[Path]

    def is_of(self, writer: Writer) -> bool:
        about = self.about
        mine = (writer.manager, writer.operation, writer.subresource)
        return (about.get("manager"), about.get("operation"), about.get("subresource", "")) == mine

    def without(self, paths: Iterable[Path]) -> Entry:
        return replace(self, paths=self.paths.difference(paths))

    def to_wire(self) -> Json:
        return {**self.about, "fieldsType": "FieldsV1", "fieldsV1": _nested(self.paths)}


def entries_of(managed: Sequence[Json]) -> list[Entry]:
    """Read metadata.managedFields; an entry that owns nothing counts for nothing. Raises BadRequest."""
    found: list[Entry] = []
    for one in managed:
        fields = one.get("fieldsV1") or {}
        about = {key: value for key, value in one.items() if key not in {"fieldsV1", "fieldsType"}}
        if not isinstance(fields, dict) or one.get("operation", "Update") not in {"Apply", "Update"}:
            raise BadRequest("metadata.managedFields: want entries with operation Apply or Update and fieldsV1")
        if fields:
            found.append(Entry(about, frozenset(_flat(fields, ()))))
    return found


def _nested(paths: Iterable[Path]) -> Json:
    root: Json = {}
    for path in sorted(paths):
        here = root
        for step in path:
            here = here.setdefault(step, {})
        if path[-1].startswith(_ITEM):
            here["."] = {}
    return root


def _flat(fields: Json, at: Path) -> Iterator[Path]:
    for step, inner in fields.items():
        if step == ".":
            yield at
        elif isinstance(inner, dict) and inner:
            yield from _flat(inner, (*at, step))
        else:
            yield (*at, step)


class Lists:
    """A kind's lists that are merged item by item, by path and key; as a set where the key is empty."""

    def __init__(self, kind: type[Object]) -> None:
        merge_keys: Mapping[str, str] = kind.definition.merge_keys or {}
        self._keys = _EVERY_KIND | {path.replace("[]", ""): key for path, key in merge_keys.items()}

    def merged(self, place: str) -> bool:
        return place in self._keys

    def word(self, place: str, item: Any) -> str:  # noqa: ANN401  reason: any JSON
        """Return the word for an item of the list. Raises BadRequest for one without the key."""
        key = self._keys[place]
        if not key:
            return "v:" + orjson.dumps(item).decode()
        if not isinstance(item, dict) or key not in item:
            raise BadRequest(f"an item of {place} has no {key}, by which such items are told apart")
        named = {key: item[key]}
        if place.endswith("ports"):
            named["protocol"] = item.get("protocol") or "TCP"
        return _ITEM + orjson.dumps(named).decode()

    def fields(self, body: Json, subresource: str) -> Fields:
        """Return the fields that managers own: all but those of the server, and but the part that is written elsewhere."""
        if subresource:
            top = {subresource: body[subresource]} if subresource in body else {}
        else:
            top = {key: value for key, value in body.items() if key not in {"apiVersion", "kind", "status"}}
            metadata = body.get("metadata") or {}
            top["metadata"] = {key: value for key, value in metadata.items() if key not in _OWNED_BY_SERVER}
        found: Fields = {}
        for key, value in top.items():
            if key != "metadata" or value:
                found.update(self._of(value, (f"f:{key}",), key))
        return found

    def _of(self, value: Any, at: Path, place: str) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401  reason: any JSON
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                yield from self._of(inner, (*at, f"f:{key}"), f"{place}.{key}")
        elif isinstance(value, list) and self._told_apart(value, place):
            for item in value:
                here = (*at, self.word(place, item))
                yield here, None
                if isinstance(item, dict):
                    yield from self._of(item, here, place)
        else:
            yield at, value

    def _told_apart(self, items: Sequence[Any], place: str) -> bool:
        key = self._keys.get(place)
        return key is not None and (not key or all(isinstance(item, dict) and key in item for item in items))

    def merge(self, live: Any, config: Any, place: str = "") -> Any:  # noqa: ANN401  reason: any JSON
        """Return what is there with what is wanted laid over it."""
        if isinstance(live, dict) and isinstance(config, dict):
            inner = {
                key: self.merge(live.get(key), value, f"{place}.{key}".lstrip(".")) for key, value in config.items()
            }
            return {**live, **inner}
        if isinstance(live, list) and isinstance(config, list) and self.merged(place):
            return self._merged_items(live, config, place)
        return config

    def _merged_items(self, live: Sequence[Any], config: Sequence[Any], place: str) -> list[Any]:
        merged = {self.word(place, item): item for item in live}
        for item in config:
            word = self.word(place, item)
            merged[word] = self.merge(merged.get(word), item, place)
        return [*merged.values()]

    def without(self, value: Any, path: Path, place: str = "") -> Any:  # noqa: ANN401  reason: any JSON
        """Return the value less what stands at the path."""
        step, rest = path[0], path[1:]
        if isinstance(value, dict) and step.startswith("f:"):
            key = step[2:]
            if key not in value:
                return value
            kept = {name: inner for name, inner in value.items() if name != key}
            return {**value, key: self.without(value[key], rest, f"{place}.{key}".lstrip("."))} if rest else kept
        if isinstance(value, list) and self.merged(place):
            items = [(item, self.word(place, item) == step) for item in value]
            return [self.without(item, rest, place) if here else item for item, here in items if rest or not here]
        return value


def told(path: Path) -> str:
    """Return the path as people read it: ``.spec.containers[name="main"].image``."""
    words: list[str] = []
    for step in path:
        mark, _, rest = step.partition(":")
        if mark == "k":
            named: Json = orjson.loads(rest)
            words.append("[" + ",".join(f"{key}={orjson.dumps(value).decode()}" for key, value in named.items()) + "]")
        else:
            words.append(f".{rest}" if mark == "f" else f"[={rest}]")
    return "".join(words)
