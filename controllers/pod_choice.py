"""Which pods count: those of the revision that was applied, and the one that ports are forwarded to; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from upright.controllers.fingerprint import RESOURCE
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.port_forward import Forward, PortForward, PortForwardSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_apply import LabelSelector, LabelSelectorRequirement
    from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery, ObservedObject, Pod
    from upright.openapi.v1alpha1.port_forward import PortForwardTemplateSpec

    class Objects(Protocol):
        """Looks an object up by uid."""

        def get(self, uid: str, /) -> Json | None: ...


_REVISIONS = ("deployment.kubernetes.io/revision", "rollout.argoproj.io/revision")


def current_pods(pods: Sequence[Pod], objects: Mapping[str, ObservedObject], sight: Objects) -> tuple[Pod, ...]:
    """Return the pods without those that a newer revision of their workload replaces; the oldest first."""
    newest: dict[str, tuple[int, str, str]] = {}
    for uid, found in objects.items():
        if found.kind == "ReplicaSet" and found.owner_uids:
            owner = found.owner_uids[0]
            newest[owner] = max(newest.get(owner, (-1, "", "")), (*_revision(sight.get(uid)), uid))
    # the newest that is seen may be of the revision before: kinds are told one by one, and the Deployment knows
    current = {uid for owner, (number, _, uid) in newest.items() if number >= _revision(sight.get(owner))[0]}
    old = {uid for uid, one in objects.items() if one.kind == "ReplicaSet" and one.owner_uids and uid not in current}
    kept = (
        pod
        for pod in pods
        if pod.owner_uid not in old
        and (not _is_replaced(sight.get(pod.uid), sight.get(pod.owner_uid)) or _is_stuck(pod, sight))
    )
    return tuple(sorted(kept, key=lambda pod: (_seconds(pod.created_at), pod.name)))


def _revision(body: Json | None) -> tuple[int, str]:
    """Return a ReplicaSet's revision and its date: a Deployment and a Rollout number theirs, not every kind does."""
    meta = (body or {}).get("metadata") or {}
    notes = meta.get("annotations") or {}
    numbers = (str(notes.get(name) or "") for name in _REVISIONS)
    return max((int(one) for one in numbers if one.isdigit()), default=0), str(meta.get("creationTimestamp") or "")


def _is_replaced(pod: Json | None, owner: Json | None) -> bool:
    """Whether the pod is of an older revision of its StatefulSet or DaemonSet, which is going to replace it."""
    if pod is None or owner is None:
        return False
    labels = pod["metadata"].get("labels") or {}
    strategy = (owner.get("spec") or {}).get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return False
    if owner["kind"] == "StatefulSet" and not (strategy.get("rollingUpdate") or {}).get("partition"):
        mine, newest = labels.get("controller-revision-hash"), (owner.get("status") or {}).get("updateRevision")
    elif owner["kind"] == "DaemonSet":
        notes = owner["metadata"].get("annotations") or {}
        mine, newest = labels.get("pod-template-generation"), notes.get("deprecated.daemonset.template.generation")
    else:
        return False
    return bool(mine and newest) and mine != newest


def _is_stuck(pod: Pod, sight: Objects) -> bool:
    """Whether the pod's StatefulSet replaces nothing before the pod is ready, of whatever revision it is."""
    owner = sight.get(pod.owner_uid)
    if owner is None or owner["kind"] != "StatefulSet" or pod.deleting or pod.phase in {"Succeeded", "Failed"}:
        return False
    ready = any(one.type == "Ready" and one.status == "True" for one in pod.conditions)
    return not ready and (owner.get("spec") or {}).get("podManagementPolicy") != "Parallel"


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment is not None else 0.0


def selected(selector: LabelSelector, body: Json) -> bool:
    """Whether the object's labels match the selector."""
    labels = (body.get("metadata") or {}).get("labels") or {}
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    return all(_meets(labels, requirement) for requirement in selector.match_expressions)


def _meets(labels: Mapping[str, str], requirement: LabelSelectorRequirement) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values


def forward_for(
    discovery: KubernetesDiscovery, pods: Sequence[Pod], template: PortForwardTemplateSpec, present: str = ""
) -> PortForward | None:
    """Return the port forward to the best running pod; None if none runs, or no port of it is known.

    The best is one that is not going, is ready, has the forwards already (``present`` is its name), or is the newest.
    """
    running = [pod for pod in pods if pod.phase == "Running"]
    if not running:
        return None
    best = max(
        running,
        key=lambda pod: (
            not pod.deleting,
            all(c.ready for c in pod.containers),
            pod.name == present,
            _seconds(pod.created_at),
            pod.name,
        ),
    )
    ports = [port for container in best.containers for port in container.ports]
    resolved = (_resolved(forward, ports) for forward in template.forwards)
    forwards = tuple(forward for forward in resolved if forward.container_port)
    if not forwards:
        return None
    return PortForward(
        metadata=ObjectMeta(
            name=f"{discovery.name}-{best.name}",
            annotations={RESOURCE: discovery.metadata.annotations.get(RESOURCE, discovery.name)},
        ),
        spec=PortForwardSpec(
            pod_name=best.name, namespace=best.namespace, forwards=forwards, cluster=discovery.spec.cluster
        ),
    )


def _resolved(forward: Forward, ports: Sequence[int]) -> Forward:
    """Return the forward with its container port decided, as Tilt decides: an equal one, the first, or the local one."""
    if forward.container_port:
        return forward
    port = forward.local_port if forward.local_port in ports or not ports else ports[0]
    return forward.model_copy(update={"container_port": port})
