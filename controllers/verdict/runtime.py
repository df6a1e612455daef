"""How a deployed resource is doing: ready, on its way, or failed, from the objects applied and what the cluster shows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from upright.controllers.verdict import (
    claims,
    custom_resources,
    deletions,
    job_retries,
    older_templates,
    refused_pods,
    workloads,
)
from upright.controllers.verdict import pods as pod_rules
from upright.controllers.verdict.crashes import crashes, crashes_before, tolerance_key
from upright.controllers.verdict.finding import Finding, counted
from upright.controllers.verdict.pod_view import PodView
from upright.controllers.verdict.serving_pods import Wait, pods_wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from upright.controllers.verdict.budgets import Budgets
    from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject
    from upright.openapi.v1alpha1.kubernetes_discovery import (
        Container,
        KubernetesDiscoveryStatus,
        ObservedEvent,
        ObservedObject,
        Pod,
    )

_ONE_SECOND = timedelta(seconds=1)
"""How exactly a cluster dates its objects."""


class Deployed(Struct, frozen=True):
    """A deployed resource: what was applied, what the cluster shows, and what is known of the run around it.

    ``tolerated`` and ``excused`` are what the look before this one came to. ``busy``: something that the resource could
    wait for is still coming up; ``updating``: it is being applied again. ``assumed``: that readiness is ignored was concluded, not said. ``expects_pods``: it has pods, whatever kinds it is made of. ``since``: when it was applied.
    """

    applied: tuple[AppliedObject, ...]
    seen: KubernetesDiscoveryStatus
    pod_readiness: str = "wait"
    assumed: bool = False
    tolerated: Mapping[str, int] = field(default_factory=dict[str, int])
    excused: Mapping[str, datetime | None] = field(default_factory=dict[str, "datetime | None"])
    once_ready: bool = False
    busy: bool = False
    updating: bool = False
    expects_pods: bool = False
    since: datetime | None = None


class Runtime(Struct, frozen=True):
    """``ok``, ``pending`` or ``error``; ``after`` is when the same observations may come to something else.

    ``waits`` is what it waits for, ``complete`` that it ran to its end. ``tolerated`` and ``excused`` are to be handed
    in at the next look.
    """

    state: Literal["ok", "pending", "error"]
    waits: tuple[Wait, ...] = ()
    findings: tuple[Finding, ...] = ()
    after: datetime | None = None
    complete: bool = False
    tolerated: Mapping[str, int] = field(default_factory=dict[str, int])
    excused: Mapping[str, datetime | None] = field(default_factory=dict[str, "datetime | None"])


def runtime(deployed: Deployed, budgets: Budgets, now: datetime) -> Runtime:
    """Decide how a deployed resource is doing. While the cluster cannot be seen, time stands still."""
    lost = deployed.seen.sight_lost_at
    now = min(now, lost) if lost is not None else now
    deployed = _of_this_apply(deployed)
    if deployed.busy:
        deployed = replace(deployed, tolerated=_crashes_now(deployed))
    deployed = replace(deployed, tolerated={**_crashes_before(deployed), **deployed.tolerated})
    state = _decided(deployed, budgets, now)
    if state.state == "ok" and not deployed.once_ready and not deployed.busy:
        state = replace(state, tolerated=_crashes_now(deployed))
    return _standing_still(state, now) if lost is not None else state


def _of_this_apply(deployed: Deployed) -> Deployed:
    """Return what is known without pods of an older template; where pods are not expected, with those of workloads only."""
    pods = older_templates.current(deployed.applied, deployed.seen.pods)
    if deployed.assumed:
        workload_uids = {one.uid for one in deployed.applied if workloads.has_pods(one)}
        pods = tuple(pod for pod in pods if pod.ancestor_uid in workload_uids)
    if len(pods) == len(deployed.seen.pods):
        return deployed
    return replace(deployed, seen=deployed.seen.model_copy(update={"pods": pods}))


def _standing_still(state: Runtime, now: datetime) -> Runtime:
    """Return the state with nothing in it that time alone would make red."""
    still = tuple(f if f.is_red(now) else replace(f, held=True) for f in state.findings)
    return replace(state, after=None, findings=still)


def _decided(deployed: Deployed, budgets: Budgets, now: datetime) -> Runtime:
    if deployed.pod_readiness == "ignore" and not deployed.assumed:
        return _ignoring(deployed)
    found, excused = counted(_findings(deployed, budgets, now), deployed.excused, now)
    times = [f.due for f in found if f.due is not None and f.due > now]
    red = tuple(f for f in found if f.is_red(now))
    if any(f.rule == "crash-loop" for f in red):
        red += tuple(_siblings(deployed, budgets, now, {f.key for f in red}))
    waits, when = _waits(deployed, budgets, now)
    times += [when] if when is not None else []
    return Runtime(
        "error" if red else "pending" if waits else "ok",
        waits,
        (*red, *(f for f in found if f not in red)),
        min(times, default=None),
        not red and not waits and _is_complete(deployed),
        deployed.tolerated,
        excused,
    )


def _ignoring(deployed: Deployed) -> Runtime:
    """Return how a resource is doing whose pods nobody waits for: only what others cannot do without must be there."""
    needed = [a for a in deployed.applied if a.kind in workloads.NEEDED_BY_OTHERS]
    waits = tuple(_workload_waits(deployed, needed))
    done = bool(deployed.seen.pods) and all(pod.phase == "Succeeded" for pod in deployed.seen.pods)
    return Runtime("pending" if waits else "ok", waits, complete=done)


def _containers(deployed: Deployed) -> Iterator[tuple[Pod, Container]]:
    for pod in deployed.seen.pods:
        for container in (*pod.init_containers, *pod.containers):
            yield pod, container


def _crashes_now(deployed: Deployed) -> dict[str, int]:
    """Return each container's crashes up to now, which count no more.

    That is so while what it could wait for is still coming up, and when it is ready for the first time.
    """
    return {tolerance_key(pod, c): count for pod, c in _containers(deployed) if (count := crashes(pod, c))}


def _crashes_before(deployed: Deployed) -> dict[str, int]:
    """Return the crashes of before our apply, of pods that were there already; looked at once, then remembered."""
    return {
        tolerance_key(pod, c): crashes_before(pod, c, deployed.since)
        for pod, c in _containers(deployed)
        if deployed.since is not None and _is_older(pod, deployed)
    }


def _is_older(pod: Pod, deployed: Deployed) -> bool:
    return deployed.since is not None and pod.created_at is not None and pod.created_at < deployed.since - _ONE_SECOND


def _findings(deployed: Deployed, budgets: Budgets, now: datetime) -> list[Finding]:
    objects = {o.uid: o for o in deployed.seen.objects}
    found: list[Finding] = []
    outdated: set[str] = set()
    for applied in deployed.applied:
        seen = objects.get(applied.uid)
        if workloads.is_watched(workloads.group_of(applied), applied.kind) and workloads.behind(applied, seen):
            outdated.add(applied.uid)
            found += deletions.findings(applied, seen, budgets, updating=deployed.updating)
        elif seen is not None:
            found += workloads.findings(applied, seen, budgets, busy=deployed.busy)
            about = _events(deployed, applied.uid)
            found += refused_pods.findings(applied, seen, about, budgets, busy=deployed.busy)
            found += claims.findings(applied, seen, about, budgets, busy=deployed.busy)
            found += job_retries.findings(seen, deployed.seen.pods)
    found += older_templates.findings(deployed.applied, deployed.seen.pods)
    leaving = any(pod.deleting for pod in deployed.seen.pods)
    for pod in deployed.seen.pods:
        if pod.ancestor_uid in outdated:  # what is seen of it may still be of the revision before
            continue
        view = PodView(
            pod,
            now,
            _owner(pod, objects),
            _events(deployed, pod.uid),
            deployed.tolerated,
            once_ready=deployed.once_ready,
            of_job=_is_of_job(pod),
            busy=deployed.busy,
            leaving=leaving,
            older=_is_older(pod, deployed),
            unreplaced=_is_unreplaced(pod, deployed, objects),
        )
        in_the_way = _is_in_the_way(view, objects)
        found += (_stuck(one, view, budgets) if in_the_way else one for one in pod_rules.findings(view, budgets))
    return [_shown(one, deployed, budgets, now) for one in found]


_REPLACING = frozenset({"ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job"})


def _is_unreplaced(pod: Pod, deployed: Deployed, objects: Mapping[str, ObservedObject]) -> bool:
    """Whether the pod is the last that a custom resource made, and nothing but its controller could make another."""
    root = next((one for one in deployed.applied if one.uid == pod.ancestor_uid), None)
    if root is None or not custom_resources.is_custom(workloads.group_of(root)):
        return False
    if pod.owner is None or pod.owner.kind in _REPLACING or _says_ready(root, objects.get(root.uid)):
        return False
    mine = [one for one in deployed.seen.pods if one.ancestor_uid == root.uid]
    return pod.created_at is None or not any(one.created_at and one.created_at > pod.created_at for one in mine)


def _is_in_the_way(view: PodView, objects: Mapping[str, ObservedObject]) -> bool:
    """Whether the pod is of the revision before, and its StatefulSet replaces nothing before it is ready."""
    root = objects.get(view.pod.ancestor_uid)
    if not view.older or root is None or root.kind != "StatefulSet":
        return False
    return workloads.replaces_pods(root) and root.status.get("updateRevision") != root.status.get("currentRevision")


def _stuck(found: Finding, view: PodView, budgets: Budgets) -> Finding:
    """Return what is wrong with a pod of the revision before; it may just be about to be deleted, so never red at once."""
    told = (
        f"{found.message}; the pod is of the revision before, and the StatefulSet does not replace a pod that is not ready "
        f"(podManagementPolicy OrderedReady): kubectl delete pod {view.pod.name} -n {view.pod.namespace}"
    )
    tolerance = max(found.tolerance or budgets.pods_timeout, budgets.pods_timeout)
    return replace(found, message=told, since=None, tolerance=tolerance)


def _shown(found: Finding, deployed: Deployed, budgets: Budgets, now: datetime) -> Finding:
    """Return what is told of a workload with the pod that shows it."""
    if found.rule == "job-failed":
        return _with_evidence(found, deployed)
    return _with_wait(found, deployed, budgets, now) if found.rule == "progress-deadline" else found


def _siblings(deployed: Deployed, budgets: Budgets, now: datetime, known: set[str]) -> Iterator[Finding]:
    """Yield the crash loops beside one that is red: none of them is asked to use up its budget first."""
    for one in _findings(deployed, replace(budgets, crash_budget=1), now):
        if one.rule == "crash-loop" and one.key not in known:
            yield one


def _is_of_job(pod: Pod) -> bool:
    return pod.owner is not None and pod.owner.kind == "Job"


def _events(deployed: Deployed, uid: str) -> list[ObservedEvent]:
    return [event for event in deployed.seen.events if event.uid == uid]


def _owner(pod: Pod, objects: Mapping[str, ObservedObject]) -> tuple[str, ...]:
    root = objects.get(pod.ancestor_uid)
    return (f"{root.kind}/{root.name}",) if root is not None and root.kind != "Pod" else ()


def _with_wait(stuck: Finding, deployed: Deployed, budgets: Budgets, now: datetime) -> Finding:
    """Return that a Deployment makes no progress with what its first pod waits for."""
    mine = [pod for pod in deployed.seen.pods if _owner(pod, {o.uid: o for o in deployed.seen.objects}) == stuck.path]
    waits, _ = pods_wait_for(mine, deployed.seen.events, budgets.stable_for, now, to_the_end=False)
    if not waits:
        return stuck
    told = f"{stuck.message.rstrip('.')}: it waits for {waits[0].text}"
    return replace(stuck, path=(*stuck.path, *waits[0].path), message=told, log_of=waits[0].log_of)


def _with_evidence(failed: Finding, deployed: Deployed) -> Finding:
    """Return a Job's failure with the container of its newest failed pod."""
    name = failed.path[0].removeprefix("Job/")
    ends = [
        (end.finished_at.timestamp() if end.finished_at else 0.0, pod, container, end)
        for pod, container in _containers(deployed)
        if _is_of_job(pod) and pod.owner is not None and pod.owner.name == name
        for end in (container.state.terminated, container.last.terminated if container.last is not None else None)
        if end is not None and end.exit_code
    ]
    if not ends:
        return failed
    _, pod, container, end = max(ends, key=lambda found: (found[0], found[1].name))
    return replace(
        failed,
        path=(*failed.path, f"Pod/{pod.name}", f"container {container.name}"),
        message=f"exited with code {end.exit_code}; {failed.message}",
        exit_code=end.exit_code,
        image=container.image,
        log_of=(pod.name, container.name),
    )


def _waits(deployed: Deployed, budgets: Budgets, now: datetime) -> tuple[tuple[Wait, ...], datetime | None]:
    """Return what must still happen, pods first, and when time alone may be enough."""
    seen = deployed.seen
    of_pods, when = pods_wait_for(
        seen.pods, seen.events, budgets.stable_for, now, deployed.pod_readiness == "succeeded"
    )
    waits = [*of_pods, *_workload_waits(deployed, deployed.applied), *_unseen_pods(deployed)]
    return tuple(waits), when


def _workload_waits(deployed: Deployed, applied: list[AppliedObject] | tuple[AppliedObject, ...]) -> Iterator[Wait]:
    by_uid = {o.uid: o for o in deployed.seen.objects}
    for one in applied:
        state = workloads.readiness(one, by_uid.get(one.uid), _events(deployed, one.uid))
        if not state.ready:
            yield Wait(f"{one.kind}/{one.name} ({state.waits_for})", (f"{one.kind}/{one.name}",))


def _unseen_pods(deployed: Deployed) -> Iterator[Wait]:
    """Yield the pods that there must be but that were not seen: nobody knows whether they are stable."""
    here = [pod for pod in deployed.seen.pods if not pod.deleting and pod.phase not in {"Succeeded", "Failed"}]
    by_uid = {o.uid: o for o in deployed.seen.objects}
    for one in deployed.applied:
        found = by_uid.get(one.uid)
        if found is None or (workloads.group_of(one), one.kind) not in workloads.WITH_REPLICAS:
            continue
        mine = sum(1 for pod in here if pod.ancestor_uid in {one.uid, ""})
        if mine < (wanted := workloads.pods_wanted(found)):
            yield Wait(f"{one.kind}/{one.name} ({mine} of {wanted} pods seen)", (f"{one.kind}/{one.name}",))
    if not any(workloads.has_pods(one) for one in deployed.applied) and _lacks_pods(deployed, by_uid):
        yield Wait("another pod: all there are have failed" if deployed.seen.pods else "a pod to be seen")


def _lacks_pods(deployed: Deployed, by_uid: Mapping[str, ObservedObject]) -> bool:
    """Whether there should be a pod and is none; a custom resource that says it is ready may have none."""
    if any(pod.phase != "Failed" for pod in deployed.seen.pods):
        return False
    custom = [one for one in deployed.applied if custom_resources.is_custom(workloads.group_of(one))]
    return deployed.expects_pods or (
        not deployed.assumed and not all(_says_ready(one, by_uid.get(one.uid)) for one in custom)
    )


def _says_ready(applied: AppliedObject, seen: ObservedObject | None) -> bool:
    return seen is not None and custom_resources.says_ready(seen, applied.generation)


def _is_complete(deployed: Deployed) -> bool:
    """Whether all that runs has run to its end."""
    by_uid = {o.uid: o for o in deployed.seen.objects}
    running = [a for a in deployed.applied if workloads.has_pods(a)]
    if running:
        return all(workloads.readiness(a, by_uid.get(a.uid)).complete for a in running)
    return bool(deployed.seen.pods) and all(pod.phase == "Succeeded" for pod in deployed.seen.pods)
