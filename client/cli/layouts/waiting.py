"""Why something has not begun, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upright.openapi.meta import Json

_WORDS = {
    "tiltfile-reload": "the Tiltfile is being read",
    "waiting-for-local": "a local command is running that runs alone",
    "is-unparallelizable-local": "it runs alone, and something else is running",
    "waiting-for-uncategorized": "objects that belong to no resource are being applied",
    "building-component": "a part of it is being built",
    "waiting-for-dep": "waits for",
    "waiting-for-cluster": "the cluster is not there yet",
    "waiting-for-deploy": "its container does not run yet",
    "waiting-for-pod": "no pod yet",
    "initial-build": "its turn has not come",
    "unknown": "its turn has not come",
}
"""Tilt's wait reasons; what is not among them (a pod's own words) stands as it is."""


def held_back(reason: str, resource: Json) -> tuple[str | None, str]:
    """Return since when, if that is known, and why a target waits; its resource may know more than the reason."""
    status = resource.get("status") or {}
    waiting = status.get("waiting") or {}
    since = status.get("pendingBuildSince") or (resource.get("metadata") or {}).get("creationTimestamp")
    return since, in_words(reason, [ref.get("name", "") for ref in waiting.get("on") or ()])


def in_words(reason: str, on: list[str]) -> str:
    """Return ``waits for db, migrate (waiting-for-dep)``."""
    names = ", ".join(on)
    words = _WORDS.get(reason)
    if words is None:
        return f"{reason}: {names}" if names else reason
    if reason == "waiting-for-dep":
        return f"{words} {names or 'what it depends on'} ({reason})"
    return f"{words}: {names} ({reason})" if names else f"{words} ({reason})"
