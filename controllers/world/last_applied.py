"""Client-side apply, as kubectl does it: what was applied last is noted on the object, and a patch takes away what left; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.openapi.meta import Json

NOTE = "kubectl.kubernetes.io/last-applied-configuration"
_KEYS = {
    **dict.fromkeys(("containers", "initContainers", "ephemeralContainers", "volumes", "env"), "name"),
    **dict.fromkeys(("imagePullSecrets", "secrets"), "name"),
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "ownerReferences": "uid",
}
"""Lists of Kubernetes' own kinds that a strategic merge patch merges element by element, and by what."""
_CONTAINERS = frozenset({"containers", "initContainers", "ephemeralContainers"})


def noted(wanted: Json) -> Json:
    """Return the object with itself as what was applied last."""
    meta: Json = wanted.get("metadata") or {}
    notes = {name: text for name, text in (meta.get("annotations") or {}).items() if name != NOTE}
    rest = {name: value for name, value in meta.items() if name != "annotations"}
    bare: Json = {**wanted, "metadata": {**rest, **({"annotations": notes} if notes else {})}}
    return {**bare, "metadata": {**rest, "annotations": {**notes, NOTE: f"{orjson.dumps(bare).decode()}\n"}}}


def before(there: Json) -> Json:
    """Return what was applied last; nothing if nobody noted it."""
    notes: Json = there["metadata"].get("annotations") or {}
    try:
        found = orjson.loads(notes.get(NOTE) or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def merge_patch(wanted: Json, last: Json) -> Json:
    """Return a JSON merge patch: what is wanted, and null for what was applied before and is wanted no more."""
    return _map(wanted, last, (), strategic=False)


def strategic_patch(wanted: Json, last: Json) -> Json:
    """Return a strategic merge patch, which takes elements out of merged lists too."""
    patch = _map(wanted, last, (), strategic=True)
    strategy: Any = (patch.get("spec") or {}).get("strategy")  # Any: what a user wrote
    if wanted.get("kind") == "Deployment" and isinstance(strategy, dict):
        kept = [name for name, value in strategy.items() if value is not None]
        patch["spec"] = {**patch["spec"], "strategy": {**strategy, "$retainKeys": kept}}
    return patch


def _map(wanted: Json, last: Json, path: tuple[str, ...], *, strategic: bool) -> Json:
    patch: Json = dict(wanted)
    for name, old in last.items():
        here = (*path, name)
        if name not in wanted:
            patch[name] = None
        elif isinstance(old, dict) and isinstance(wanted[name], dict):
            patch[name] = _map(wanted[name], old, here, strategic=strategic)
        elif strategic and isinstance(old, list) and isinstance(wanted[name], list) and (key := _merge_key(here)):
            patch[name] = _list(wanted[name], old, key, here)
    return patch


def _list(wanted: Sequence[Any], last: Sequence[Any], key: str, path: tuple[str, ...]) -> list[Any]:
    """Return the elements, each with what left it, then those to take out; a list of other things as it is."""
    if not all(isinstance(one, dict) and key in one for one in (*wanted, *last)):
        return [*wanted]
    old = {one[key]: one for one in last}
    names = {one[key] for one in wanted}
    changed: list[Any] = [_map(one, old[one[key]], path, strategic=True) if one[key] in old else one for one in wanted]
    return changed + [{"$patch": "delete", key: name} for name in old if name not in names]


def _merge_key(path: tuple[str, ...]) -> str:
    """Return what elements of the list are told apart by; empty if it is replaced as a whole."""
    if path[-1] == "ports":
        if len(path) > 1 and path[-2] in _CONTAINERS:
            return "containerPort"
        return "port" if path == ("spec", "ports") else ""
    return _KEYS.get(path[-1], "")
