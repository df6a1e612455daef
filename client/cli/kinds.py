"""What people call a kind, and where its objects are: three from memory, the others as the server lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from upright.client.cli.connection import DISCOVERY
from upright.client.cli.troubles import WrongUsage, closest

if TYPE_CHECKING:
    from upright.client.cli.connection import Connection, Json


class KindPath(NamedTuple):
    """A kind, its path, and whether that may be read without a token; ``full`` is ``resource.tilt.dev``."""

    kind: str
    full: str
    path: str
    free: bool = False

    def of(self, name: str) -> str:
        """Return the path of one object."""
        return f"{self.path}/{quote(name, safe='')}"


_SESSION = KindPath("Session", "session.tilt.dev", "/apis/session", free=True)
_RESOURCE = KindPath("Resource", "resource.tilt.dev", "/apis/resource", free=True)
_CLUSTER = KindPath("Cluster", "cluster.tilt.dev", "/apis/cluster", free=True)

_BY_WORD = {
    "session": _SESSION,
    "sessions": _SESSION,
    "resource": _RESOURCE,
    "resources": _RESOURCE,
    "res": _RESOURCE,
    "cluster": _CLUSTER,
    "clusters": _CLUSTER,
}
_FREE = {found.full: found for found in _BY_WORD.values()}


class Kinds:
    """Of one server; it is asked once, and only for words that are not known by heart."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listed: dict[str, list[KindPath]] | None = None

    def find(self, word: str) -> list[KindPath]:
        """Return the kinds that a word means; a category such as ``all`` is several. Raises WrongUsage."""
        plain = word.lower()
        if known := _BY_WORD.get(plain):
            return [known]
        if self._listed is None:
            self._listed = _listed(self._connection.get("/apis", accept=DISCOVERY))
        if found := self._listed.get(plain):
            return found
        words = [name for name in self._listed if "." not in name]
        hint = closest(plain, words) or ': for what is in the cluster use kubectl, "upright describe cluster" says how'
        raise WrongUsage(f'the server has no kind "{word}"{hint}')


def _listed(discovery: Json) -> dict[str, list[KindPath]]:
    """Return the kinds by every word they go by."""
    found: dict[str, list[KindPath]] = {}
    for group in discovery.get("items") or ():
        group_name = group["metadata"].get("name", "")
        for version in group["versions"]:
            for about in version["resources"]:
                _add(found, group_name, version["version"], about)
    return found


def _add(found: dict[str, list[KindPath]], group: str, version: str, about: Json) -> None:
    plural, singular = about["resource"], about.get("singularResource") or about["resource"]
    full = f"{singular}.{group}"
    kind = _FREE.get(full) or KindPath(about["responseKind"]["kind"], full, f"/apis/{group}/{version}/{plural}")
    names = {plural, singular, f"{plural}.{group}", full, *about.get("shortNames", ())}
    for name in names:
        found.setdefault(name, [kind])
    for category in about.get("categories", ()):
        found.setdefault(category, []).append(kind)
