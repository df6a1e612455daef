"""When a workload is ready, by kind, of the generation that this run applied; and what its conditions say is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from upright.controllers.verdict.finding import Finding
from upright.openapi.meta import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from upright.controllers.verdict.budgets import Budgets
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject
    from upright.openapi.v1alpha1.kubernetes_discovery import ObservedObject


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether an object is ready; if not, what it waits for. ``complete``: it ran to its end and needs no pods."""

    ready: bool
    waits_for: str = ""
    complete: bool = False


READY = Readiness(ready=True)


def readiness(applied: AppliedObject, seen: ObservedObject | None) -> Readiness:
    """Return whether the applied object is ready, as last seen; an older generation or another uid is not looked at."""
    rule = _RULES.get((applied.api_version.partition("/")[0] if "/" in applied.api_version else "", applied.kind))
    if rule is None:
        return READY
    if seen is None or seen.uid != applied.uid:
        return Readiness(ready=False, waits_for=f"{applied.kind}/{applied.name} to be seen in the cluster")
    if seen.generation < applied.generation:
        return Readiness(ready=False, waits_for=f"{applied.kind}/{applied.name} to be seen as applied")
    observed = seen.status.get("observedGeneration")
    if observed is not None and int(observed) < applied.generation:
        return Readiness(ready=False, waits_for=f"the cluster to take notice of {applied.kind}/{applied.name}")
    return rule(seen)


def findings(seen: ObservedObject, budgets: Budgets) -> Iterator[Finding]:
    """Yield what the object's own conditions say is wrong."""
    path = (f"{seen.kind}/{seen.name}",)
    for condition in seen.status.get("conditions") or ():
        about = (condition.get("type"), condition.get("status"))
        since = _time(condition)
        told = condition.get("message") or condition.get("reason") or ""
        if about == ("Failed", "True") and seen.kind == "Job":
            yield Finding("job-failed", path, f"{condition.get('reason', 'Failed')}: {told}", since, recoverable=False)
        elif about == ("Progressing", "False") and condition.get("reason") == "ProgressDeadlineExceeded":
            yield Finding("progress-deadline", path, told, since)
        elif about == ("ReplicaFailure", "True"):
            due = since + budgets.pods_timeout if since else None
            yield Finding("pods-refused", path, f"cannot create pods: {told}", since, due)


def _time(condition: Json) -> datetime | None:
    text = condition.get("lastTransitionTime")
    return parse_time(text) if text else None


def _count(status: Json, name: str) -> int:
    return int(status.get(name) or 0)


def _deployment(seen: ObservedObject) -> Readiness:
    wanted = _wanted(seen)
    status = seen.status
    if "observedGeneration" not in status:
        return Readiness(ready=False, waits_for=f"the cluster to take notice of Deployment/{seen.name}")
    for field, words in (("updatedReplicas", "updated"), ("availableReplicas", "available")):
        if _count(status, field) < wanted:
            return Readiness(ready=False, waits_for=f"{_count(status, field)} of {wanted} replicas {words}")
    if _count(status, "replicas") > _count(status, "updatedReplicas"):
        old = _count(status, "replicas") - _count(status, "updatedReplicas")
        return Readiness(ready=False, waits_for=f"{old} old replicas to go")
    return READY


def _wanted(seen: ObservedObject) -> int:
    replicas = seen.spec.get("replicas")
    return 1 if replicas is None else int(replicas)


def _all_ready(seen: ObservedObject) -> Readiness:
    wanted = _wanted(seen)
    ready = _count(seen.status, "readyReplicas")
    return READY if ready >= wanted else Readiness(ready=False, waits_for=f"{ready} of {wanted} replicas ready")


def _stateful_set(seen: ObservedObject) -> Readiness:
    wanted = _wanted(seen)
    status = seen.status
    if (strategy := seen.spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return _all_ready(seen)
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    if _count(status, "updatedReplicas") < wanted - partition:
        return Readiness(
            ready=False, waits_for=f"{_count(status, 'updatedReplicas')} of {wanted - partition} replicas updated"
        )
    if partition == 0 and status.get("updateRevision") != status.get("currentRevision"):
        return Readiness(ready=False, waits_for="the new revision to become the current one")
    return _all_ready(seen)


def _daemon_set(seen: ObservedObject) -> Readiness:
    wanted = _count(seen.status, "desiredNumberScheduled")
    for field in ("updatedNumberScheduled", "numberAvailable"):
        if _count(seen.status, field) < wanted:
            return Readiness(ready=False, waits_for=f"{_count(seen.status, field)} of {wanted} nodes ({field})")
    return READY


def _job(seen: ObservedObject) -> Readiness:
    if seen.spec.get("suspend"):
        return Readiness(ready=True, complete=True)
    if _is_true(seen, "Complete"):
        return Readiness(ready=True, complete=True)
    done, wanted = _count(seen.status, "succeeded"), int(seen.spec.get("completions") or 1)
    return Readiness(ready=False, waits_for=f"{done} of {wanted} completions")


def _pod(seen: ObservedObject) -> Readiness:
    if seen.status.get("phase") == "Succeeded":
        return Readiness(ready=True, complete=True)
    if _is_true(seen, "Ready"):
        return READY
    return Readiness(ready=False, waits_for=f"Pod/{seen.name} to be ready ({seen.status.get('phase', 'Pending')})")


def _claim(seen: ObservedObject) -> Readiness:
    phase = seen.status.get("phase", "Pending")
    return READY if phase == "Bound" else Readiness(ready=False, waits_for=f"the claim to be bound ({phase})")


def _active(seen: ObservedObject) -> Readiness:
    phase = seen.status.get("phase", "")
    return READY if phase == "Active" else Readiness(ready=False, waits_for=f"the namespace to be active ({phase})")


def _established(seen: ObservedObject) -> Readiness:
    return (
        READY if _is_true(seen, "Established") else Readiness(ready=False, waits_for="the definition to be established")
    )


def _available(seen: ObservedObject) -> Readiness:
    return READY if _is_true(seen, "Available") else Readiness(ready=False, waits_for="the API service to be available")


def _is_true(seen: ObservedObject, condition: str) -> bool:
    return any(c.get("type") == condition and c.get("status") == "True" for c in seen.status.get("conditions") or ())


_RULES: dict[tuple[str, str], Callable[[ObservedObject], Readiness]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _all_ready,
    ("", "ReplicationController"): _all_ready,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Namespace"): _active,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _established,
    ("apiregistration.k8s.io", "APIService"): _available,
}

WATCHED = frozenset(_RULES)
"""Group and kind of the objects whose state the verdict reads; all others are ready once applied."""
