"""Which Pods a ReplicaSet makes and which it lets go: pure functions, with Kubernetes' preferences."""

from __future__ import annotations

import math
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.openapi.apps_v1.replica_set import ReplicaSetStatus
from upright.openapi.core_v1.condition import Condition, find_condition, with_condition
from upright.openapi.core_v1.pod import Pod
from upright.openapi.meta import ObjectMeta, OwnerReference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from upright.openapi.apps_v1.replica_set import ReplicaSet
    from upright.openapi.core_v1.pod_spec import PodTemplateSpec
    from upright.openapi.meta import Object

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_NAME_CHARACTERS = 58
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


class Plan(Struct, frozen=True):
    """How many Pods to make, which to delete."""

    create: int = 0
    delete: tuple[Pod, ...] = ()


def plan(wanted: int, pods: Sequence[Pod], now: datetime) -> Plan:
    """Return what brings the active Pods to the number wanted."""
    active = [pod for pod in pods if pod.active]
    surplus = len(active) - wanted
    if surplus <= 0:
        return Plan(create=-surplus)
    return Plan(delete=tuple(sorted(active, key=lambda pod: _worth(pod, now))[:surplus]))


def _worth(pod: Pod, now: datetime) -> tuple[object, ...]:
    """Return what the Pod is kept for: those that come first in this order go first."""
    restarts = sum(one.restart_count for one in pod.status.container_statuses)
    ready = pod.condition("Ready")
    since = ready.last_transition_time if ready and pod.ready else None
    return (
        bool(pod.spec.node_name),
        _PHASES.get(pod.status.phase, 1),
        pod.ready,
        _cost(pod),
        _magnitude(since, now),
        -restarts,
        _magnitude(pod.metadata.creation_timestamp, now),
        pod.metadata.uid,
    )


def _cost(pod: Pod) -> int:
    text = pod.metadata.annotations.get(DELETION_COST, "0")
    return int(text) if text.removeprefix("-").isdigit() else 0


def _magnitude(since: datetime | None, now: datetime) -> int:
    """Return the order of magnitude of an age, so that Pods of about the same age are alike."""
    if since is None:
        return -1
    return int(math.log2(max((now - since).total_seconds(), 1.0)))


def is_available(pod: Pod, min_ready_seconds: int, now: datetime) -> bool:
    """Whether the Pod has been ready for long enough."""
    return pod.ready and available_in(pod, min_ready_seconds, now) == 0.0


def available_in(pod: Pod, min_ready_seconds: int, now: datetime) -> float:
    """Return in how many seconds a ready Pod will be available; 0 if it is."""
    ready = pod.condition("Ready")
    if not min_ready_seconds or ready is None or ready.last_transition_time is None:
        return 0.0
    left = ready.last_transition_time + timedelta(seconds=min_ready_seconds) - now
    return max(left.total_seconds(), 0.0)


def next_available(pods: Iterable[Pod], min_ready_seconds: int, now: datetime) -> float | None:
    """Return in how many seconds the next of the ready Pods becomes available; None if none will by waiting."""
    waits = [available_in(pod, min_ready_seconds, now) for pod in pods if pod.active and pod.ready]
    return min((wait for wait in waits if wait > 0), default=None)


def status_of(replica_set: ReplicaSet, pods: Sequence[Pod], trouble: str, now: datetime) -> ReplicaSetStatus:
    """Return the status: what is counted, and the trouble that stopped a Pod from being made (empty: none)."""
    active = [pod for pod in pods if pod.active]
    labels = replica_set.spec.template.metadata.labels.items()
    conditions = replica_set.status.conditions
    if trouble:
        failure = Condition(type="ReplicaFailure", status="True", reason="FailedCreate", message=trouble)
        conditions = with_condition(conditions, failure, now)
    elif find_condition(conditions, "ReplicaFailure"):
        conditions = tuple(one for one in conditions if one.type != "ReplicaFailure")
    return ReplicaSetStatus(
        replicas=len(active),
        fully_labeled_replicas=sum(1 for pod in active if labels <= pod.metadata.labels.items()),
        ready_replicas=sum(1 for pod in active if pod.ready),
        available_replicas=sum(1 for pod in active if is_available(pod, replica_set.spec.min_ready_seconds, now)),
        terminating_replicas=sum(1 for pod in pods if pod.metadata.deletion_timestamp is not None and not pod.finished),
        observed_generation=replica_set.metadata.generation,
        conditions=conditions,
    )


def pod_from(template: PodTemplateSpec, owner: Object) -> Pod:
    """Return a new Pod of the template, named after its owner and controlled by it."""
    prefix = f"{owner.name[:_NAME_CHARACTERS]}-"
    return Pod(
        metadata=ObjectMeta(
            name=prefix + "".join(secrets.choice(_LETTERS) for _ in range(5)),
            generate_name=prefix,
            namespace=owner.metadata.namespace,
            labels=template.metadata.labels,
            annotations=template.metadata.annotations,
            finalizers=template.metadata.finalizers,
            owner_references=(controlled_by(owner),),
        ),
        spec=template.spec,
    )


def controlled_by(owner: Object) -> OwnerReference:
    """Return the reference of an object to the one that controls it."""
    return OwnerReference(
        api_version=owner.definition.api_version,
        kind=owner.definition.kind,
        name=owner.name,
        uid=owner.metadata.uid,
        controller=True,
        block_owner_deletion=True,
    )


def controller_of(obj: Object) -> OwnerReference | None:
    """Return the reference to the object's controller, if it has one."""
    return next((one for one in obj.metadata.owner_references if one.controller), None)
