"""Kinds that Kubernetes does not know itself: the conditions that most controllers agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_discovery import ObservedObject

_BUILT_IN = frozenset({"", "apps", "batch", "autoscaling", "policy", "extensions"})


def is_custom(group: str) -> bool:
    """Whether the API group is not one of Kubernetes' own."""
    return group not in _BUILT_IN and (not group.endswith(".k8s.io") or group.endswith(".x-k8s.io"))


def waits_for(seen: ObservedObject, generation: int) -> str:
    """Return why the object is not ready, in its own words; empty if it is, or has no conditions that tell."""
    told = {c.get("type"): c for c in seen.status.get("conditions") or () if _is_current(c, generation)}
    for kind, well in (("Reconciling", "False"), ("Ready", "True")):
        if kind in told and told[kind].get("status") != well:
            return _words(told[kind])
    behind = [c for c in seen.status.get("conditions") or () if c.get("type") == "Ready" and "Ready" not in told]
    return "not reconciled yet" if behind else ""


def says_ready(seen: ObservedObject, generation: int) -> bool:
    """Whether the object says in so many words that it is ready."""
    told = {c.get("type"): c for c in seen.status.get("conditions") or () if _is_current(c, generation)}
    return "Ready" in told and told["Ready"].get("status") == "True"


def stalled(seen: ObservedObject, generation: int) -> Json | None:
    """Return the condition that says the object will not become ready."""
    for condition in seen.status.get("conditions") or ():
        wrong = condition.get("type") in {"Stalled", "Failed"} and condition.get("status") == "True"
        if wrong and _is_current(condition, generation):
            found: Json = condition
            return found
    return None


def _is_current(condition: Json, generation: int) -> bool:
    return number(condition.get("observedGeneration"), generation) >= generation


def _words(condition: Json) -> str:
    return str(condition.get("message") or condition.get("reason") or condition.get("type"))


def number(value: object, otherwise: int) -> int:
    """Return a generation that may be a number or its digits."""
    try:
        return int(str(value))
    except ValueError:
        return otherwise
