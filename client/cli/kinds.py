"""What people call a kind, and where its objects are: three from memory, the others as the server lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from upright.client.cli.connection import DISCOVERY
from upright.client.cli.troubles import WrongUsage, closest

if TYPE_CHECKING:
    from upright.client.cli.connection import Asking, Json


class KindPath(NamedTuple):
    """A kind, its path, and whether that may be read without a token; ``full`` is ``resource.tilt.dev``."""

    kind: str
    full: str
    path: str
    free: bool = False
    plural: str = ""
    version: str = "tilt.dev/v1alpha1"

    def of(self, name: str) -> str:
        """Return the path of one object."""
        return f"{self.path}/{quote(name, safe='')}"


_SESSION = KindPath("Session", "session.tilt.dev", "/apis/session", free=True, plural="sessions")
_RESOURCE = KindPath("Resource", "resource.tilt.dev", "/apis/resource", free=True, plural="resources")
_CLUSTER = KindPath("Cluster", "cluster.tilt.dev", "/apis/cluster", free=True, plural="clusters")

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

    def __init__(self, connection: Asking) -> None:
        self._connection = connection
        self._listed: dict[str, list[KindPath]] | None = None

    def one(self, word: str) -> KindPath:
        """Return the only kind that a word means. Raises WrongUsage."""
        found = self.find(word)
        if len(found) > 1:
            raise WrongUsage(f'"{word}" is several kinds: {", ".join(kind.full for kind in found)}')
        return found[0]

    def of_object(self, body: Json) -> KindPath:
        """Return the kind that an object says it is of. Raises WrongUsage."""
        kind, version = str(body.get("kind") or ""), str(body.get("apiVersion") or "")
        group = version.rpartition("/")[0]
        found = self.find(f"{kind}.{group}" if group else kind)[0]
        if f"/{version}/" not in f"/{found.version}/":
            raise WrongUsage(f"the server has {found.kind} in {found.version}, not in {version}")
        return found

    def words(self) -> list[str]:
        """Return every word that means a kind, shortest names first."""
        return sorted(name for name in self._all() if "." not in name)

    def _all(self) -> dict[str, list[KindPath]]:
        if self._listed is None:
            self._listed = _listed(self._connection.get("/apis", accept=DISCOVERY))
        return self._listed

    def find(self, word: str) -> list[KindPath]:
        """Return the kinds that a word means; a category such as ``all`` is several. Raises WrongUsage."""
        plain = word.lower()
        if known := _BY_WORD.get(plain):
            return [known]
        listed = self._all()
        if found := listed.get(plain):
            return found
        words = [name for name in listed if "." not in name]
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
    where = f"/apis/{group}/{version}/{plural}"
    kind = _FREE.get(full) or KindPath(
        about["responseKind"]["kind"], full, where, plural=plural, version=f"{group}/{version}"
    )
    names = {plural, singular, *about.get("shortNames", ())}
    names |= {f"{plural}.{group}", full, f"{plural}.{version}.{group}"}
    for name in names:
        found.setdefault(name, [kind])
    for category in about.get("categories", ()):
        found.setdefault(category, []).append(kind)
