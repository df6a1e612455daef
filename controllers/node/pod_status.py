"""A pod's status in Kubernetes' words: a pure function of the pod, what was seen of it, and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.node.container_status import About, init_status, main_status
from upright.controllers.node.pod_plan import pending_init
from upright.openapi.core_v1.pod_status import HostIP, PodCondition, PodIP, PodStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from upright.controllers.node.sight import Seen
    from upright.openapi.core_v1.container import Container
    from upright.openapi.core_v1.pod import Pod
    from upright.openapi.core_v1.pod_spec import PodSpec
    from upright.openapi.core_v1.pod_status import ContainerStatus

_ENDED = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}


class _Parts(Struct, frozen=True):
    """What the conditions are made of."""

    seen: Seen
    phase: str
    initializing: bool
    inits: Sequence[ContainerStatus]
    mains: Sequence[ContainerStatus]


def full_name(pod: Pod) -> str:
    """Return the pod's name as Kubernetes' messages have it: ``web-1_default(uid)``."""
    return f"{pod.name}_{pod.metadata.namespace}({pod.metadata.uid})"


def status(pod: Pod, seen: Seen, host_ip: str, now: datetime) -> PodStatus:
    """Return the status that the pod should have."""
    terminating = pod.metadata.deletion_timestamp is not None
    about = About(full_name(pod), pod.spec.restart_policy, now, terminating=terminating)
    initializing = pending_init(pod.spec, seen) is not None
    inits = tuple(init_status(one, seen, about) for one in pod.spec.init_containers)
    mains = tuple(main_status(one, seen, about, initializing=initializing) for one in pod.spec.containers)
    phase = _phase(pod.spec.restart_policy, inits, mains)
    parts = _Parts(seen, phase, initializing, inits, mains)
    return PodStatus(
        phase=phase,
        observed_generation=pod.metadata.generation,
        conditions=tuple(_conditions(pod, parts, now)),
        host_ip=host_ip,
        host_ips=(HostIP(ip=host_ip),) if host_ip else (),
        pod_ip=seen.ip,
        pod_ips=(PodIP(ip=seen.ip),) if seen.ip else (),
        start_time=pod.status.start_time or now.replace(microsecond=0),
        init_container_statuses=inits,
        container_statuses=mains,
        qos_class=qos_class(pod.spec),
    )


def phase_of(pod: Pod, seen: Seen, now: datetime) -> str:
    """Return the pod's phase alone."""
    return status(pod, seen, "", now).phase


def _phase(policy: str, inits: Sequence[ContainerStatus], mains: Sequence[ContainerStatus]) -> str:
    if policy == "Never" and any((t := one.state.terminated) and t.exit_code for one in inits):
        return "Failed"
    if not all(one.ready for one in inits) and not any(one.state.running or one.state.terminated for one in mains):
        return "Pending"
    if any(one.state.waiting and not one.last_state.terminated for one in mains):
        return "Pending"
    if any(one.state.running for one in mains) or policy == "Always":
        return "Running"
    ends = [one.state.terminated for one in mains]
    if all(end is not None and end.exit_code == 0 for end in ends):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _conditions(pod: Pod, parts: _Parts, now: datetime) -> Iterator[PodCondition]:
    over = _ENDED.get(parts.phase, "")
    yield _condition(pod, "PodReadyToStartContainers", parts.seen.prepared and not over, now)
    lacking = [one.name for one in parts.inits if not one.ready] if parts.initializing else []
    if lacking:
        why = ("ContainersNotInitialized", f"containers with incomplete status: [{' '.join(lacking)}]")
        yield _condition(pod, "Initialized", False, now, *why)
    else:
        yield _condition(pod, "Initialized", True, now, over if over == "PodCompleted" else "")
    unready = [one.name for one in parts.mains if not one.ready]
    why = (over, "") if over else ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    for kind in ("Ready", "ContainersReady"):
        yield _condition(pod, kind, False, now, *why) if unready or over else _condition(pod, kind, True, now)
    yield pod.condition("PodScheduled") or _condition(pod, "PodScheduled", True, now)


def _condition(pod: Pod, kind: str, holds: bool, now: datetime, reason: str = "", message: str = "") -> PodCondition:
    word = "True" if holds else "False"
    old = pod.condition(kind)
    same = old is not None and old.status == word
    return PodCondition(
        type=kind,
        status=word,
        observed_generation=pod.metadata.generation,
        last_transition_time=old.last_transition_time if same and old else now.replace(microsecond=0),
        reason=reason,
        message=message,
    )


def qos_class(spec: PodSpec) -> str:
    """Return Guaranteed, Burstable or BestEffort, by what the containers ask for."""
    containers = (*spec.containers, *spec.init_containers)
    if not any(one.resources.limits or one.resources.requests for one in containers):
        return "BestEffort"
    return "Guaranteed" if all(_guaranteed(one) for one in containers) else "Burstable"


def _guaranteed(container: Container) -> bool:
    limits, requests = container.resources.limits, container.resources.requests
    return all(name in limits and requests.get(name, limits[name]) == limits[name] for name in ("cpu", "memory"))
