"""How a deployed resource is doing: ready, on its way, or failed, from the objects applied and what the cluster shows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from upright.controllers.verdict import pods as pod_rules
from upright.controllers.verdict import workloads
from upright.controllers.verdict.pods import PodView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from upright.controllers.verdict.budgets import Budgets
    from upright.controllers.verdict.finding import Finding
    from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject
    from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscoveryStatus, ObservedObject, Pod


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployed resource: what was applied, what the cluster shows, and what is known of the run around it."""

    applied: tuple[AppliedObject, ...]
    seen: KubernetesDiscoveryStatus
    pod_readiness: str = "wait"
    tolerated: Mapping[str, int] = field(default_factory=dict)
    once_ready: bool = False
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Runtime:
    """``ok``, ``pending`` or ``error``; ``after`` is when the same observations may come to something else."""

    state: Literal["ok", "pending", "error"]
    waits_for: str = ""
    findings: tuple[Finding, ...] = ()
    after: datetime | None = None
    complete: bool = False


def runtime(deployed: Deployed, budgets: Budgets, now: datetime) -> Runtime:
    """Decide how a deployed resource is doing."""
    found = _findings(deployed, budgets)
    red = tuple(f for f in found if f.is_red(now))
    times = [f.due for f in found if f.due is not None and f.due > now]
    if red:
        return Runtime("error", red[0].message, red, min(times, default=None))
    if deployed.pod_readiness == "ignore":
        return Runtime("ok", complete=True)
    objects = {(o.kind, o.namespace, o.name): o for o in deployed.seen.objects}
    states = [workloads.readiness(a, objects.get((a.kind, a.namespace, a.name))) for a in deployed.applied]
    waits = [state.waits_for for state in states if not state.ready]
    complete = bool(states) and all(state.complete for state in states if state is not workloads.READY)
    unstable, when = _stability(deployed, budgets, now)
    if when is not None:
        times.append(when)
    waits = [*unstable, *waits]
    if waits:
        return Runtime("pending", waits[0], found, min(times, default=None))
    only_complete = complete and any(state.complete for state in states)
    return Runtime("ok", findings=found, after=min(times, default=None), complete=only_complete)


def tolerated(deployed: Deployed) -> dict[str, int]:
    """Return each container's crashes up to now, to be forgiven while what it could wait for is still coming up."""
    most: dict[str, int] = {}
    for pod in deployed.seen.pods:
        for container in (*pod.init_containers, *pod.containers):
            if count := pod_rules.crashes(container):
                most[container.name] = max(most.get(container.name, 0), count)
    return most


def _findings(deployed: Deployed, budgets: Budgets) -> tuple[Finding, ...]:
    objects = {o.uid: o for o in deployed.seen.objects}
    found: list[Finding] = []
    applied = {a.uid for a in deployed.applied}
    for seen in deployed.seen.objects:
        if seen.uid in applied:
            found += (_with_its_pod(one, seen, deployed.seen.pods) for one in workloads.findings(seen, budgets))
    for pod in deployed.seen.pods:
        view = PodView(
            pod,
            _owner(pod, objects),
            [e for e in deployed.seen.events if e.uid == pod.uid],
            deployed.tolerated,
            once_ready=deployed.once_ready,
            of_job=pod.owner is not None and pod.owner.kind == "Job",
            expected=deployed.expected,
        )
        found += pod_rules.findings(view, budgets)
    return tuple(found)


def _with_its_pod(finding: Finding, seen: ObservedObject, pods: Sequence[Pod]) -> Finding:
    """Return the finding with the pod that made the Job fail, if it can be seen still: the last one that ended badly."""
    ended = [(pod, end) for pod in pods if pod.ancestor_uid == seen.uid and (end := pod_rules.ended_badly(pod))]
    if finding.rule != "job-failed" or not ended:
        return finding
    pod, (container, state) = max(ended, key=lambda one: one[0].created_at.timestamp() if one[0].created_at else 0.0)
    return replace(
        finding,
        path=(*finding.path, f"Pod/{pod.name}", f"container {container.name}"),
        message=f"exited with code {state.exit_code}; {finding.message}",
        exit_code=state.exit_code,
        image=container.image,
        log_of=(pod.name, container.name),
    )


def _owner(pod: Pod, objects: Mapping[str, ObservedObject]) -> tuple[str, ...]:
    root = objects.get(pod.ancestor_uid)
    return (f"{root.kind}/{root.name}",) if root is not None and root.kind != "Pod" else ()


def _refused(pod: Pod, deployed: Deployed) -> str:
    """Return in brackets what its probe said last, if it failed."""
    said = [event.message for event in deployed.seen.events if event.uid == pod.uid and event.reason == "Unhealthy"]
    return f" ({said[-1]})" if said else ""


def _stability(deployed: Deployed, budgets: Budgets, now: datetime) -> tuple[list[str], datetime | None]:
    """Return what is not ready or stable yet among the pods that serve, and when it may be."""
    waits: list[str] = []
    times: list[datetime] = []
    for pod in deployed.seen.pods:
        if pod.deleting or pod.phase in {"Succeeded", "Failed"} or (pod.owner and pod.owner.kind == "Job"):
            continue
        for container in pod.containers:
            at = pod_rules.stable_at(container, budgets.stable_for)
            if at is None:
                waits.append(f"container {container.name} of Pod/{pod.name} to be ready{_refused(pod, deployed)}")
            elif at > now:
                times.append(at)
                waits.append(f"container {container.name} of Pod/{pod.name} to have run for {budgets.stable_for}")
    return waits, min(times, default=None)
