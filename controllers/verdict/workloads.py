"""When a workload is ready, by kind, of the generation that this run applied; and what its conditions say is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.verdict import custom_resources
from upright.controllers.verdict.custom_resources import number
from upright.controllers.verdict.finding import Finding
from upright.controllers.verdict.pods import MISSING
from upright.openapi.meta import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from upright.controllers.verdict.budgets import Budgets
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject
    from upright.openapi.v1alpha1.kubernetes_discovery import ObservedEvent, ObservedObject


class Readiness(Struct, frozen=True):
    """Whether an object is ready; if not, what is not as it should be. ``complete``: it ran to its end and needs no pods."""

    ready: bool
    waits_for: str = ""
    complete: bool = False


READY = Readiness(ready=True)
APPLIED = Readiness(ready=True)
"""Ready by being there: kinds of which nothing more is to be seen."""


def readiness(applied: AppliedObject, seen: ObservedObject | None, events: Sequence[ObservedEvent] = ()) -> Readiness:
    """Return whether the applied object is ready, as last seen; an older generation or another uid is not looked at.

    ``events`` are those about the object.
    """
    group = group_of(applied)
    if not is_watched(group, applied.kind):
        return APPLIED
    if not_current := behind(applied, seen):
        done = seen is not None and _is_over(applied, seen)
        return Readiness(ready=True, complete=True) if done else Readiness(ready=False, waits_for=not_current)
    if seen is None or (group, applied.kind) == _CLAIM:
        return _claim(seen, events) if seen is not None else APPLIED
    rule = _RULES.get((group, applied.kind))
    if rule is not None:
        return rule(seen)
    waits = custom_resources.waits_for(seen, applied.generation)
    return Readiness(ready=False, waits_for=waits) if waits else READY


def _is_over(applied: AppliedObject, seen: ObservedObject) -> bool:
    """Whether the object had done what it was for before it was deleted: many delete a Job that is done."""
    if seen.uid != applied.uid or not (seen.deleting or seen.deleted_at):
        return False
    if behind(applied, as_it_was := seen.model_copy(update={"deleting": False, "deleted_at": None})):
        return False
    if (group_of(applied), applied.kind) in WITH_REPLICAS:
        return False
    now = readiness(applied, as_it_was)
    return now.complete or (now.ready and custom_resources.is_custom(group_of(applied)))


def group_of(obj: AppliedObject) -> str:
    """Return the API group of an object; empty for the core group."""
    return obj.api_version.rpartition("/")[0]


def is_watched(group: str, kind: str) -> bool:
    """Whether the verdict reads the state of objects of this kind; all others are ready once applied."""
    return (group, kind) in _RULES or (group, kind) == _CLAIM or custom_resources.is_custom(group)


def has_pods(obj: AppliedObject) -> bool:
    """Whether the object is one of those that run pods."""
    return (group_of(obj), obj.kind) in WITH_REPLICAS | {("batch", "Job"), ("", "Pod")}


def behind(applied: AppliedObject, seen: ObservedObject | None) -> str:
    """Return why the object as seen is not the one that was applied; empty if it is."""
    if seen is None or seen.uid != applied.uid:
        return "not seen in the cluster yet"
    if seen.deleted_at is not None:
        return "it was deleted"
    if seen.deleting:
        return "it is being deleted"
    if seen.generation < applied.generation:
        return "not seen as it was applied yet"
    observed = seen.status.get("observedGeneration")
    unseen = observed is None and (group_of(applied), applied.kind) in WITH_REPLICAS
    if unseen or number(observed, applied.generation) < applied.generation:
        return "the cluster has not taken notice of it yet"
    return ""


def findings(
    applied: AppliedObject, seen: ObservedObject, budgets: Budgets, *, busy: bool = False
) -> Iterator[Finding]:
    """Yield what the object's own conditions say is wrong; what they say of an older generation is not looked at.

    ``busy``: something in this run may still create what is missing.
    """
    if behind(applied, seen):
        return
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
            held = busy and bool(MISSING.search(told))
            yield Finding("pods-refused", path, f"cannot create pods: {told}", since, budgets.pods_timeout, held)
    if custom_resources.is_custom(group_of(applied)):
        condition = custom_resources.stalled(seen, applied.generation)
        if condition is not None:
            told = condition.get("message") or condition.get("reason") or ""
            yield Finding("stalled", path, f"{condition.get('type')}: {told}", _time(condition))


def _time(condition: Json) -> datetime | None:
    text = condition.get("lastTransitionTime")
    return parse_time(text) if text else None


def _count(status: Json, name: str) -> int:
    return int(status.get(name) or 0)


def _deployment(seen: ObservedObject) -> Readiness:
    wanted = replicas_wanted(seen)
    status = seen.status
    for field, words in (("updatedReplicas", "updated"), ("availableReplicas", "available")):
        if _count(status, field) < wanted:
            return Readiness(ready=False, waits_for=f"{_count(status, field)} of {wanted} replicas {words}")
    if _count(status, "replicas") > _count(status, "updatedReplicas"):
        old = _count(status, "replicas") - _count(status, "updatedReplicas")
        return Readiness(ready=False, waits_for=f"{old} old replicas to go")
    return READY


def replicas_wanted(seen: ObservedObject) -> int:
    """Return how many pods the object asks for."""
    replicas = seen.spec.get("replicas")
    return 1 if replicas is None else int(replicas)


def pods_wanted(seen: ObservedObject) -> int:
    """Return how many pods there are to be, as many as nodes of a DaemonSet."""
    return _count(seen.status, "desiredNumberScheduled") if seen.kind == "DaemonSet" else replicas_wanted(seen)


def _all_ready(seen: ObservedObject) -> Readiness:
    wanted = replicas_wanted(seen)
    ready = _count(seen.status, "readyReplicas")
    return READY if ready >= wanted else Readiness(ready=False, waits_for=f"{ready} of {wanted} replicas ready")


def _stateful_set(seen: ObservedObject) -> Readiness:
    wanted = replicas_wanted(seen)
    status = seen.status
    if (strategy := seen.spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return _all_ready(seen)
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    if _count(status, "updatedReplicas") < wanted - partition:
        return Readiness(
            ready=False, waits_for=f"{_count(status, 'updatedReplicas')} of {wanted - partition} replicas updated"
        )
    if partition == 0 and status.get("updateRevision") != status.get("currentRevision"):
        return Readiness(ready=False, waits_for="the new revision is not the current one yet")
    return _all_ready(seen)


def replaces_pods(stateful_set: ObservedObject) -> bool:
    """Whether the StatefulSet is to replace all its pods when it is changed."""
    strategy = stateful_set.spec.get("updateStrategy") or {}
    return strategy.get("type") != "OnDelete" and not (strategy.get("rollingUpdate") or {}).get("partition")


def _daemon_set(seen: ObservedObject) -> Readiness:
    wanted = _count(seen.status, "desiredNumberScheduled")
    on_delete = (seen.spec.get("updateStrategy") or {}).get("type") == "OnDelete"
    for field in ("numberAvailable",) if on_delete else ("updatedNumberScheduled", "numberAvailable"):
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
    return Readiness(ready=False, waits_for=f"not ready ({seen.status.get('phase', 'Pending')})")


def _claim(seen: ObservedObject, events: Sequence[ObservedEvent]) -> Readiness:
    phase = seen.status.get("phase", "Pending")
    waits_for_a_consumer = phase == "Pending" and any(event.reason == "WaitForFirstConsumer" for event in events[-1:])
    if phase == "Bound" or waits_for_a_consumer:
        return READY
    return Readiness(ready=False, waits_for=f"not bound ({phase})")


def _active(seen: ObservedObject) -> Readiness:
    phase = seen.status.get("phase", "")
    return READY if phase == "Active" else Readiness(ready=False, waits_for=f"not active ({phase})")


def _established(seen: ObservedObject) -> Readiness:
    return READY if _is_true(seen, "Established") else Readiness(ready=False, waits_for="not established yet")


def answered(seen: ObservedObject) -> bool:
    """Whether each Service that a webhook configuration calls has a ready endpoint."""
    return _webhooks(seen).ready


def _webhooks(seen: ObservedObject) -> Readiness:
    for service in seen.status.get("services") or ():
        if not service["ready"]:
            name = f"{service['namespace']}/{service['name']}"
            return Readiness(ready=False, waits_for=f"nobody answers it: Service {name} has no ready endpoint")
    return READY


def _available(seen: ObservedObject) -> Readiness:
    return READY if _is_true(seen, "Available") else Readiness(ready=False, waits_for="not available yet")


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
    ("", "Namespace"): _active,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _established,
    ("apiregistration.k8s.io", "APIService"): _available,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _webhooks,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _webhooks,
}

_CLAIM = ("", "PersistentVolumeClaim")
SERVING = frozenset(
    {("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "ReplicaSet"), ("", "ReplicationController")}
)
"""Kinds with ``spec.replicas`` pods that serve."""
WITH_REPLICAS = SERVING | {("apps", "DaemonSet")}
"""Kinds of which it is known how many pods there are to be."""
NEEDED_BY_OTHERS = frozenset({"Namespace", "CustomResourceDefinition", "APIService"}) | frozenset(
    {"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}
)
"""Kinds that must be ready even where nobody cares for pods."""
