"""What a path means: the kind, and which object of it, in which partition; read once a path and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec import Struct

if TYPE_CHECKING:
    from upright.openapi.meta import Object
    from upright.openapi.scheme import Scheme

SHORT = {"session": "sessions", "cluster": "clusters", "resource": "resources"}
"""The short paths: ``/apis/session`` is ``/apis/tilt.dev/v1alpha1/sessions``."""

_SHORT_GROUP, _SHORT_VERSION = "tilt.dev", "v1alpha1"
_OF_NAMESPACES = frozenset({"status", "finalize"})
_REMEMBERED = 4096


class Place(Struct, frozen=True):
    """Where a path leads: a collection (no name), an object, or a subresource; ``short`` as people type it."""

    kind: type[Object]
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    partition: str = ""
    short: bool = False


class Places:
    """Reads paths of one scheme."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._known: dict[str, Place | None] = {}

    def find(self, raw_path: str) -> Place | None:
        """Return where a path (still percent-encoded) leads; None if it is not that of a kind."""
        if raw_path in self._known:
            return self._known[raw_path]
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        place = self._known[raw_path] = self._read([unquote(part) for part in raw_path.strip("/").split("/")])
        return place

    def _read(self, parts: list[str]) -> Place | None:
        partition = ""
        if parts[0] == "sessions" and len(parts) > 2:
            partition, parts = parts[1], parts[2:]
        match parts:
            case ["apis", word, *rest] if word in SHORT:
                return self._short(word, rest, partition)
            case ["apis", group, version, plural, *rest]:
                return self._full((group, version), [plural, *rest], partition)
            case ["api", version, plural, *rest]:
                return self._full(("", version), [plural, *rest], partition)
            case _:
                return None

    def _short(self, word: str, rest: list[str], partition: str) -> Place | None:
        kind = self._scheme.by_plural(_SHORT_GROUP, _SHORT_VERSION, SHORT[word])
        if kind is None or len(rest) > 2:
            return None
        name, subresource = (*rest, "", "")[:2]
        return Place(kind, "", name, subresource, partition, short=True)

    def _full(self, where: tuple[str, str], rest: list[str], partition: str) -> Place | None:
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _OF_NAMESPACES:
            namespace, rest = rest[1], rest[2:]
        kind = self._scheme.by_plural(*where, rest[0])
        if kind is None or (namespace and not kind.definition.namespaced) or "" in rest:
            return None
        if len(rest) > 1 and kind.definition.namespaced and not namespace:
            return None
        name, subresource = (*rest[1:3], "", "")[:2]
        return Place(kind, namespace, name, "/".join([subresource, *rest[3:]]), partition)
