"""Server-side apply, and what other writes do to the fields' owners. Pure: bodies in, bodies out.

An object's owners are kept from its first apply on; what it had before belongs to one manager then, ``before-first-apply``,
or ``kubectl-client-side-apply`` if kubectl noted that it applied it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upright.apiserver.ownership import ABSENT, Entry, Lists, Writer, entries_of, told
from upright.openapi.errors import BadRequest, Cause, Conflict
from upright.openapi.meta import format_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.apiserver.ownership import Fields, Path
    from upright.openapi.meta import Json, Object
    from upright.openapi.scheme import Kind

BEFORE = "before-first-apply"
CLIENT_SIDE = "kubectl-client-side-apply"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def noted(kind: type[Object], old: Json, new: Json, given: Json, writer: Writer) -> Json:
    """Return the new body with its owners after an update or a patch that is no apply; ``given`` may set them."""
    held = old["metadata"].get("managedFields")
    if not held:
        return new
    managed = (given.get("metadata") or {}).get("managedFields") or held
    lists = Lists(kind)
    before, now = lists.fields(old, writer.subresource), lists.fields(new, writer.subresource)
    changed = {path for path, value in now.items() if before.get(path, ABSENT) != value}
    gone = before.keys() - now.keys()
    kept = [
        entry.without(changed | gone) if not entry.is_of(writer) else entry.without(gone)
        for entry in entries_of(managed)
    ]
    mine = next((entry for entry in kept if entry.is_of(writer)), None)
    if changed - (mine.paths if mine else set()):
        paths = changed | (mine.paths if mine else frozenset())
        kept = [entry for entry in kept if not entry.is_of(writer)] + [_entry(kind.definition, writer, paths)]
    return _owned(new, kept)


class Applying:
    """One apply of a configuration to one object."""

    def __init__(self, kind: type[Object], config: Json, writer: Writer, *, force: bool) -> None:
        _require_appliable(kind.definition, config)
        self.config: Json = _without_nulls(config)
        self._kind = kind
        self._lists = Lists(kind)
        self._writer = writer
        self._force = force
        self._wanted = self._lists.fields(self.config, writer.subresource)

    def merged(self, old: Json) -> Json:
        """Return the object with the configuration laid over it, less what the manager applied before and no more."""
        mine, others = self._entries(old)
        left = sorted((mine.paths if mine else frozenset()) - self._wanted.keys(), key=len)
        theirs = [path for entry in others for path in entry.paths]
        body: Any = old
        for path in left:
            if not _is_key(path) and not any(other[: len(path)] == path for other in theirs):
                body = self._lists.without(body, path)
        merged: Json = self._lists.merge(body, self.config)
        return merged

    def noted(self, old: Json, new: Json) -> Json:
        """Return the new body with its owners. Raises Conflict where others own what would change."""
        mine, others = self._entries(old)
        before = self._lists.fields(old, self._writer.subresource)
        now = self._lists.fields(new, self._writer.subresource)
        differ = {path for path in self._wanted if path in now and before.get(path, ABSENT) != now[path]}
        taken = [(entry, sorted(entry.paths & differ)) for entry in others]
        if any(paths for _, paths in taken) and not self._force:
            raise _conflict(taken)
        gone = before.keys() - now.keys()
        kept = [entry.without(gone.union(paths)) for entry, paths in taken]
        paths = frozenset(path for path in self._wanted if path in now)
        same = mine is not None and mine.paths == paths
        return _owned(new, [*kept, mine if same and mine else _entry(self._kind.definition, self._writer, paths)])

    def born(self, new: Json) -> Json:
        """Return a new object's body with its one owner."""
        return _owned(new, [_entry(self._kind.definition, self._writer, self._wanted)])

    def _entries(self, old: Json) -> tuple[Entry | None, list[Entry]]:
        managed = old["metadata"].get("managedFields")
        entries = entries_of(managed) if managed else self._before(old)
        mine = next((entry for entry in entries if entry.is_of(self._writer)), None)
        return mine, [entry for entry in entries if entry is not mine]

    def _before(self, old: Json) -> list[Entry]:
        by_kubectl = _LAST_APPLIED in (old["metadata"].get("annotations") or {})
        about = self._kind.definition
        when = str(old["metadata"].get("creationTimestamp", ""))
        who: Json = {"manager": CLIENT_SIDE if by_kubectl else BEFORE, "operation": "Update"}
        who |= {"apiVersion": about.api_version, "time": when}
        found = [Entry(who, frozenset(self._lists.fields(old, "")))]
        if about.status and "status" in old:
            status = {**who, "manager": BEFORE, "subresource": "status"}
            found.append(Entry(status, frozenset(self._lists.fields(old, "status"))))
        return found


def _conflict(taken: Sequence[tuple[Entry, list[Path]]]) -> Conflict:
    """Return Kubernetes' words for fields that others own."""
    causes = [
        Cause(told(path), f"conflict with {_who(entry)}", "FieldManagerConflict")
        for entry, paths in taken
        for path in paths
    ]
    if len(causes) == 1:
        return Conflict(f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].field}", causes=causes)
    lines = [
        line
        for entry, paths in sorted(taken, key=lambda one: _who(one[0]))
        for line in (f"conflicts with {_who(entry)}:", *(f"- {told(path)}" for path in paths))
    ]
    return Conflict("\n".join([f"Apply failed with {len(causes)} conflicts: {lines[0]}", *lines[1:]]), causes=causes)


def _who(entry: Entry) -> str:
    about = entry.about
    below = f' with subresource "{about["subresource"]}"' if about.get("subresource") else ""
    when = f" at {about['time']}" if about.get("time") else ""
    how = f" using {about.get('apiVersion', '')}{when}" if about.get("operation") == "Update" else ""
    return f'"{about.get("manager", "")}"{below}{how}'


def _is_key(path: Path) -> bool:
    """Say whether the path is the key of a list's item: it goes only with the item."""
    return len(path) > 1 and path[-2].startswith("k:") and f'"{path[-1][2:]}":' in path[-2]


def _entry(about: Kind, writer: Writer, paths: Iterable[Path] | Fields) -> Entry:
    who: Json = {"manager": writer.manager, "operation": writer.operation, "apiVersion": about.api_version}
    who["time"] = format_time(writer.now)
    if writer.subresource:
        who["subresource"] = writer.subresource
    return Entry(who, frozenset(paths))


def _owned(body: Json, entries: Iterable[Entry]) -> Json:
    managed = [entry.to_wire() for entry in entries if entry.paths]
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": {**metadata, "managedFields": managed} if managed else metadata}


def _require_appliable(about: Kind, config: Json) -> None:
    if not config.get("apiVersion") or not config.get("kind"):
        raise BadRequest(f"an apply needs apiVersion ({about.api_version}) and kind ({about.kind}) in its body")
    metadata = config.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadRequest("metadata: want an object")
    if metadata.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")


def _without_nulls(value: Any) -> Any:  # noqa: ANN401  reason: any JSON
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
