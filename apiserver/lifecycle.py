"""How an object begins, changes and ends: what the server owns of its metadata. Pure: bodies in, bodies out."""

from __future__ import annotations

import json
import os
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from upright.apiserver.storage.records import Remove
from upright.openapi import causes, errors
from upright.openapi.meta import format_time

if TYPE_CHECKING:
    from datetime import datetime

    from upright.apiserver.options import DeleteOptions, Target
    from upright.apiserver.storage.records import Decision, Stored
    from upright.openapi.meta import Json, Object

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
_SERVER_OWNED = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
)
_KEPT = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_GENERATED_PREFIX_CHARACTERS = 58
_POD_GRACE_SECONDS = 30
_UID_BYTES, _UIDS_AT_ONCE = 16, 256

_chance: list[bytes] = []
os.register_at_fork(after_in_child=_chance.clear)


def _uid() -> str:
    """Return a random UUID; the bytes are asked of the system for many at once, as each time costs a write's twentieth."""
    try:
        drawn = _chance.pop()
    except IndexError:
        many = os.urandom(_UID_BYTES * _UIDS_AT_ONCE)
        drawn, *more = (many[at : at + _UID_BYTES] for at in range(0, len(many), _UID_BYTES))
        _chance.extend(more)
    return str(UUID(bytes=drawn, version=4))


def generated_name(prefix: str) -> str:
    """Return the prefix and five random characters that spell no word."""
    return prefix[:_GENERATED_PREFIX_CHARACTERS] + "".join(secrets.choice(_LETTERS) for _ in range(5))


def born(kind: type[Object], body: Json, where: Target, now: datetime) -> Json:
    """Return a new object's body: a fresh identity, whatever the client wrote there."""
    given = {key: value for key, value in (body.get("metadata") or {}).items() if key not in _SERVER_OWNED}
    metadata = given | {
        "name": where.name,
        "uid": _uid(),
        "creationTimestamp": format_time(now),
    }
    if where.namespace:
        metadata["namespace"] = where.namespace
    else:
        metadata.pop("namespace", None)
    if "spec" in kind.model_fields:
        metadata["generation"] = 1
    new = {**body, "metadata": metadata}
    return kind.definition.born(new) if kind.definition.born else new


def changed(old: Json, new: Json) -> Json:
    """Return an update's body: what the server owns stays, and a changed wish is a new generation."""
    before = old["metadata"]
    given = {key: value for key, value in (new.get("metadata") or {}).items() if key not in _SERVER_OWNED}
    kept = {key: before[key] for key in _KEPT if key in before}
    metadata = given | kept | {"name": before["name"]}
    metadata.pop("namespace", None)
    if "namespace" in before:
        metadata["namespace"] = before["namespace"]
    if "generation" in kept and _wish(old) != _wish(new):
        metadata["generation"] = kept["generation"] + 1
    return {**new, "metadata": metadata}


def kept(kind: type[Object], old: Json, new: Json) -> Json:
    """Return an update's body with what the server once gave and the client leaves out."""
    for part, field in kind.definition.kept:
        given = new.get(part) or {}
        if not given.get(field) and (before := (old.get(part) or {}).get(field)):
            new = {**new, part: {**given, field: before}}
    return new


def _wish(body: Json) -> Json:
    return {key: value for key, value in body.items() if key not in {"metadata", "status", "apiVersion", "kind"}}


def require_current(where: Target, current: Stored, uid: str, resource_version: str) -> None:
    """Raise Conflict if the object is not the one, or not the version, that the client knows."""
    about = where.kind.definition
    found = str(current.body["metadata"].get("uid", ""))
    if uid and uid != found:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {found}"
        raise errors.conflict(about.group, about.plural, where.name, why)
    if resource_version and resource_version != str(current.revision):
        raise errors.conflict(about.group, about.plural, where.name)


def require_no_new_finalizers(where: Target, old: Json, new: Json) -> None:
    """Raise Invalid if an object that is ending gets a finalizer it did not have."""
    if "deletionTimestamp" not in old["metadata"]:
        return
    known = old["metadata"].get("finalizers") or ()
    added = [name for name in new["metadata"].get("finalizers") or () if name not in known]
    if added:
        about = where.kind.definition
        why = f"no new finalizers can be added if the object is being deleted, found new finalizers {_go_list(added)}"
        wrong = [causes.forbidden("metadata.finalizers", why)]
        raise errors.invalid(about.group, about.kind, where.name, wrong)


def _go_list(texts: list[str]) -> str:
    return f"[]string{{{', '.join(json.dumps(text) for text in texts)}}}"


def ended(old: Json, new: Json) -> bool:
    """Say whether an object that was asked to end has, by this change, nothing left to wait for.

    Who takes the last finalizer off says that all is cleaned up; a grace that is not over does not matter then.
    """
    metadata = new["metadata"]
    if "deletionTimestamp" not in metadata or _waits_for(new):
        return False
    return _waits_for(old) or not metadata.get("deletionGracePeriodSeconds")


def _waits_for(body: Json) -> bool:
    if body["metadata"].get("finalizers"):
        return True
    return body.get("kind") == "Namespace" and bool((body.get("spec") or {}).get("finalizers"))


def ending(where: Target, current: Stored, options: DeleteOptions, now: datetime) -> Decision:
    """Return what a delete makes of the object: it is removed, or waits for its finalizers or its grace."""
    require_current(where, current, options.uid, options.resource_version)
    old = current.body
    metadata = dict(old["metadata"])
    finalizers = _finalizers(metadata.get("finalizers") or [], options)
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    grace = _grace(old, options)
    body = {**old, "metadata": metadata}
    if not grace and not _waits_for(body):
        return Remove(body)
    _mark(metadata, grace, now)
    return _terminating(body) if old.get("kind") == "Namespace" else body


def _finalizers(present: list[str], options: DeleteOptions) -> list[str]:
    """Return the finalizers that ask the garbage collector for what the client wants with the dependents."""
    if not options.propagation:
        return present
    rest = [name for name in present if name not in {ORPHAN, FOREGROUND}]
    wanted = {"Orphan": [ORPHAN], "Foreground": [FOREGROUND]}.get(options.propagation, [])
    return [*rest, *wanted]


def _grace(body: Json, options: DeleteOptions) -> int:
    """Return how many seconds a pod on a node gets to end by itself; all else ends at once."""
    if body.get("kind") != "Pod" or body.get("apiVersion") != "v1":
        return 0
    spec, status = body.get("spec") or {}, body.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in {"Succeeded", "Failed"}:
        return 0
    if options.grace_period_seconds is not None:
        return max(options.grace_period_seconds, 0)
    own = spec.get("terminationGracePeriodSeconds")
    return _POD_GRACE_SECONDS if own is None else int(own)


def _mark(metadata: Json, grace: int, now: datetime) -> None:
    """Set when the object has to be gone; a second delete may only shorten that."""
    if "deletionTimestamp" in metadata:
        present = int(metadata.get("deletionGracePeriodSeconds") or 0)
        if grace >= present:
            return
    elif "generation" in metadata:
        metadata["generation"] += 1
    metadata["deletionTimestamp"] = format_time(now + timedelta(seconds=grace))
    metadata["deletionGracePeriodSeconds"] = grace


def _terminating(namespace: Json) -> Json:
    return {**namespace, "status": {**(namespace.get("status") or {}), "phase": "Terminating"}}
