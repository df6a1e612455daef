"""The dashboard of a snapshot: the same tables, as things were then, and the log of each resource; nothing moves any more."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from upright.apiserver.dashboard.page import Section, document, table_of
from upright.openapi.documents.tables import table
from upright.openapi.meta import parse_time
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from upright.openapi.meta import Json, Object

_KINDS: dict[str, tuple[str, type[Object]]] = {
    "uiResources": ("Resources", Resource),
    "clusters": ("Clusters", Cluster),
}
_NOBODYS = "(global)"


def frozen_page(snapshot: Json) -> str:
    """Return the page of a snapshot, Tilt's or ours. Raises ValueError for anything else."""
    try:
        return document(f"{_heading(snapshot)}{_tables(snapshot)}{''.join(_logs(snapshot['view']))}")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"it is no snapshot of Tilt's or Upright's ({error!r} where something else is wanted)"
        ) from error


def _heading(snapshot: Json) -> str:
    status = (snapshot["view"].get("uiSession") or {}).get("status") or {}
    version = (status.get("runningTiltBuild") or {}).get("version") or ""
    facts = (status.get("tiltfileKey"), snapshot.get("createdAt"), f"version {version}" if version else "")
    return f"<h1>Snapshot</h1><p>{' · '.join(escape(str(fact)) for fact in facts if fact)}</p>"


def _tables(snapshot: Json) -> str:
    view, moment = snapshot["view"], _moment(snapshot)
    sections: list[Section] = []
    for name, (title, kind) in _KINDS.items():
        bodies: list[Json] = list(view.get(name) or ())
        if bodies:
            made = table(kind.definition, map(_whole, bodies), moment, include="None")
            sections.append(Section(title, "", made, 0))
    return "".join(map(table_of, sections))


def _whole(body: Json) -> Json:
    """Return the object with its parts, which Tilt leaves null where they are empty."""
    return {**body, "metadata": body["metadata"], "spec": body.get("spec") or {}, "status": body.get("status") or {}}


def _moment(snapshot: Json) -> datetime:
    """Return when it was made; without that the newest moment that it speaks of, the beginning of all ages."""
    resources = snapshot["view"].get("uiResources") or ()
    made = [str(one["metadata"].get("creationTimestamp") or "") for one in resources]
    return parse_time(str(snapshot.get("createdAt") or max(made, default="") or "1970-01-01T00:00:00Z"))


def _logs(view: Json) -> Iterator[str]:
    """Yield the lines of each resource, folded away; those that are nobody's first."""
    listed = view.get("logList") or {}
    spans: Json = listed.get("spans") or {}
    texts: dict[str, list[str]] = {}
    for segment in listed.get("segments") or ():
        owner = (spans.get(segment.get("spanId") or "") or {}).get("manifestName") or _NOBODYS
        texts.setdefault(str(owner), []).append(str(segment.get("text") or ""))
    if texts:
        yield "<h2>Logs</h2>"
    for owner, pieces in sorted(texts.items()):
        yield f"<details><summary>{escape(owner)}</summary><pre>{escape(''.join(pieces))}</pre></details>"
