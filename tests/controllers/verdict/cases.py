"""What the tables of cases are made of: pods, containers, objects and events, as a cluster shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from upright.openapi.meta import format_time
from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject
from upright.openapi.v1alpha1.kubernetes_discovery import (
    Container,
    ContainerRunning,
    ContainerState,
    ContainerTerminated,
    ContainerWaiting,
    KubernetesDiscoveryStatus,
    ObservedEvent,
    ObservedObject,
    Pod,
    PodCondition,
    PodOwner,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
IMAGE = "registry:5000/shop/web:502"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def wire(moment: datetime) -> str:
    return format_time(moment)


def running(seconds: float = 60.0) -> ContainerState:
    return ContainerState(running=ContainerRunning(started_at=ago(seconds)))


def ended(code: int = 7, reason: str = "Error", message: str = "", seconds: float = 1.0) -> ContainerState:
    over = ContainerTerminated(exit_code=code, reason=reason, message=message, finished_at=ago(seconds))
    return ContainerState(terminated=over)


def waiting(reason: str, message: str = "", seconds: float = 0.0) -> ContainerState:
    return ContainerState(waiting=ContainerWaiting(reason=reason, message=message, since=ago(seconds)))


def container(state: ContainerState, **more: object) -> Container:
    fields: dict[str, object] = {"name": "web", "image": IMAGE, "state": state, "ready": state.running is not None}
    return Container.model_validate(fields | more)


def pod(*containers: Container, name: str = "web-1", **more: object) -> Pod:
    fields: dict[str, object] = {
        "uid": f"uid-of-{name}",
        "name": name,
        "namespace": "default",
        "created_at": ago(60),
        "phase": "Running",
        "containers": containers,
        "ancestor_uid": "d1",
        "owner": PodOwner(name="web-rs", api_version="apps/v1", kind="ReplicaSet"),
        "restart_policy": "Always",
    }
    return Pod.model_validate(fields | more)


def job_pod(*containers: Container, name: str = "migrate-1", **more: object) -> Pod:
    owner = PodOwner(name="migrate", api_version="batch/v1", kind="Job")
    return pod(*containers, name=name, **{"owner": owner, "restart_policy": "Never", "ancestor_uid": "j1"} | more)


def unschedulable(message: str, seconds: float = 0.0) -> PodCondition:
    return PodCondition(
        type="PodScheduled",
        status="False",
        reason="Unschedulable",
        message=message,
        last_transition_time=ago(seconds),
    )


def event(reason: str, message: str = "", *, uid: str = "uid-of-web-1", count: int = 1) -> ObservedEvent:
    return ObservedEvent(kind="Pod", name="web-1", uid=uid, type="Warning", reason=reason, message=message, count=count)


def applied(kind: str, api_version: str = "apps/v1", name: str = "web", **more: object) -> AppliedObject:
    fields: dict[str, object] = {"uid": "d1", "generation": 3, "namespace": "default"}
    return AppliedObject.model_validate({"api_version": api_version, "kind": kind, "name": name, **fields, **more})


def seen(of: AppliedObject, status: object = None, **more: object) -> ObservedObject:
    """Return the object as the cluster shows it: as applied, with a status that the cluster wrote for it."""
    fields: dict[str, object] = {
        "api_version": of.api_version,
        "kind": of.kind,
        "name": of.name,
        "namespace": of.namespace,
        "uid": of.uid,
        "generation": of.generation,
        "status": status or {},
    }
    return ObservedObject.model_validate(fields | more)


def shows(*objects: ObservedObject, pods: tuple[Pod, ...] = (), **more: object) -> KubernetesDiscoveryStatus:
    return KubernetesDiscoveryStatus.model_validate({"objects": objects, "pods": pods, **more})


def condition(kind: str, status: str = "True", *, seconds: float = 0.0, **more: object) -> dict[str, object]:
    return {"type": kind, "status": status, "lastTransitionTime": wire(ago(seconds)), **more}
