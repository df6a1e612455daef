"""``enable`` and ``disable``: which resources are meant, and the ConfigMaps by which they are switched."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from upright.client.cli.resources import require, resources
from upright.client.cli.troubles import NotThere, Trouble, WrongUsage

if TYPE_CHECKING:
    from upright.client.cli.connection import Connection, Json
    from upright.client.cli.flags import Given

_CONFIG_MAPS = "/apis/tilt.dev/v1alpha1/configmaps"
_MERGE = "application/merge-patch+json"
_WORDS = {True: "enabled", False: "disabled"}


def switch(connection: Connection, given: Given, *, on: bool) -> None:
    """Switch what is meant, ``--only`` all others the other way, and say what was changed."""
    known = resources(connection)
    chosen = _chosen(given, known)
    for name in given.arguments:
        if not _sources(known[name]):
            raise Trouble(f"{name} cannot be enabled or disabled")
    for name, body in known.items():
        sources = _sources(body)
        if not sources or not (name in chosen or _only(given)):
            continue
        wanted = on if name in chosen else not on
        changed = [_set(connection, source, wanted) for source in sources]
        sys.stdout.write(f"resource.tilt.dev/{name} {_WORDS[wanted]}{'' if any(changed) else ' (no change)'}\n")


def check(given: Given) -> None:
    """Refuse what contradicts itself, and what names nothing."""
    if given.on("all"):
        if _only(given):
            raise WrongUsage("cannot use --all with --only")
        if given.arguments or given.many("labels"):
            raise WrongUsage(f"cannot use --all with {'resource names' if given.arguments else '--labels'}")
    elif not given.arguments and not given.many("labels"):
        raise WrongUsage("must specify at least one resource: by name, --labels or --all")


def _only(given: Given) -> bool:
    return given.knows("only") and given.on("only")


def _chosen(given: Given, known: dict[str, Json]) -> set[str]:
    if given.on("all"):
        return set(known)
    require(given.arguments, known)
    chosen = set(given.arguments)
    for label in given.many("labels"):
        having = {name for name, body in known.items() if _has(body, label)}
        if not having:
            there = ", ".join(sorted({one for body in known.values() for one in body["metadata"].get("labels") or {}}))
            raise WrongUsage(
                f'no resource has the label "{label}": {f"there are {there}" if there else "none has any"}'
            )
        chosen |= having
    return chosen


def _has(body: Json, label: str) -> bool:
    name, equals, value = label.partition("=")
    labels = body["metadata"].get("labels") or {}
    return name in labels and (not equals or labels[name] == value)


def _sources(body: Json) -> list[Json]:
    """Return the ConfigMap keys by which the resource is switched; none for what is always on."""
    source: Json = body.get("spec", {}).get("disableSource") or {}
    every: list[Json] = source.get("everyConfigMap") or []
    return [source["configMap"]] if source.get("configMap") else every


def _set(connection: Connection, source: Json, on: bool) -> bool:
    """Have the switch say so; return whether it said otherwise."""
    name, value = str(source["name"]), {str(source["key"]): str(not on).lower()}
    path = f"{_CONFIG_MAPS}/{quote(name, safe='')}"
    try:
        there: dict[str, Any] = connection.get(path).get("data") or {}
    except NotThere:
        body = {"apiVersion": "tilt.dev/v1alpha1", "kind": "ConfigMap", "metadata": {"name": name}, "data": value}
        connection.send("POST", f"{_CONFIG_MAPS}?fieldManager=upright-switch", body)
        return True
    if {**there, **value} == there:
        return False
    connection.send("PATCH", f"{path}?fieldManager=upright-switch", {"data": value}, content_type=_MERGE)
    return True
