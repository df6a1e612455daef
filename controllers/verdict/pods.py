"""What can be wrong with a pod: rules over what the cluster says of it and its containers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from upright.controllers.verdict.crashes import crash_findings
from upright.controllers.verdict.finding import Finding
from upright.controllers.verdict.image_pulls import PULL_REASONS, pull_findings
from upright.controllers.verdict.phases import late_pod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from upright.controllers.verdict.budgets import Budgets
    from upright.controllers.verdict.pod_view import PodView
    from upright.openapi.v1alpha1.kubernetes_discovery import Container, Pod, PodCondition

MISSING = re.compile(r"not found|couldn't find key|non-existent", re.IGNORECASE)
_NOT_NOW = re.compile(r"/not-ready|/unreachable|/uninitialized|unbound immediate PersistentVolumeClaims")
_SCALING = frozenset({"TriggeredScaleUp", "NotTriggerScaleUp"})
_CANNOT_CREATE = frozenset({"CreateContainerConfigError", "CreateContainerError"})
_NEVER = {
    "InvalidImageName": "invalid-image-name",
    "ErrImageNeverPull": "image-never-pull",
}


def findings(view: PodView, budgets: Budgets) -> Iterator[Finding]:
    """Yield all that is wrong with the pod."""
    if view.pod.deleting:
        return
    yield from late_pod(view, budgets)
    yield from _unschedulable(view, budgets)
    yield from _failed(view, budgets)
    yield from _unmountable(view, budgets)
    for container in (*view.pod.init_containers, *view.pod.containers):
        yield from _waiting(view, container, budgets)
        yield from crash_findings(view, container, budgets)


def _unschedulable(view: PodView, budgets: Budgets) -> Iterator[Finding]:
    for condition in view.pod.conditions:
        if (condition.type, condition.status, condition.reason) != ("PodScheduled", "False", "Unschedulable"):
            continue
        since = condition.last_transition_time or view.pod.created_at
        if "persistentvolumeclaim" in condition.message and MISSING.search(condition.message):
            rule, tolerance, held = "missing-reference", budgets.missing_ref_timeout, view.busy
        else:
            rule, tolerance, held = "unschedulable", budgets.unschedulable_timeout, _may_be_placed(view, condition)
        told = f"no node can take the pod: {condition.message}"
        yield Finding(rule, view.path(), told, since, tolerance, held, events=view.warnings())


def _may_be_placed(view: PodView, condition: PodCondition) -> bool:
    """Whether room may come: a pod is still leaving, a node or a claim is not ready yet, an autoscaler acts."""
    scaling = [event.reason for event in view.events if event.reason in _SCALING]
    return view.leaving or bool(_NOT_NOW.search(condition.message)) or scaling[-1:] == ["TriggeredScaleUp"]


def _failed(view: PodView, budgets: Budgets) -> Iterator[Finding]:
    """Yield the failure of a pod that nobody will replace; a custom resource's controller has a moment to make another."""
    pod = view.pod
    if pod.phase != "Failed" or (pod.owner is not None and not view.unreplaced):
        return
    patience = budgets.pods_timeout if view.unreplaced else None
    held = view.unreplaced and view.busy
    ended = next(
        ((c, t) for c in (*pod.init_containers, *pod.containers) if (t := c.state.terminated) and t.exit_code), None
    )
    if ended is None:
        why = pod.message or pod.reason or "no reason given"
        yield Finding(
            "pod-failed",
            view.path(),
            f"the pod failed: {why}",
            tolerance=patience,
            held=held,
            events=view.warnings(),
            recoverable=False,
        )
        return
    container, state = ended
    yield Finding(
        "pod-failed",
        view.path(container.name),
        f"exited with code {state.exit_code}, and nothing restarts it{_because(pod)}",
        state.finished_at,
        patience,
        held,
        exit_code=state.exit_code,
        image=container.image,
        log_of=(pod.name, container.name),
        events=view.warnings(),
        recoverable=False,
    )


def _because(pod: Pod) -> str:
    """Return why the node ended the pod, if it was the node: an eviction, the pod's deadline."""
    said = [" ".join(one.split()) for one in (pod.reason, pod.message) if one]
    return f": {': '.join(said)}" if pod.reason else ""


def _unmountable(view: PodView, budgets: Budgets) -> Iterator[Finding]:
    """Yield the volume that cannot be mounted because what it shows is missing: only an event tells."""
    last = view.events[-1] if view.events else None
    waiting = next(
        (c.state.waiting for c in (*view.pod.init_containers, *view.pod.containers) if c.state.waiting), None
    )
    if waiting is None or last is None or last.reason != "FailedMount" or not MISSING.search(last.message):
        return
    since = waiting.since or view.pod.created_at
    yield _missing(view, "", " ".join(last.message.split()), since, budgets)


def _missing(view: PodView, container: str, told: str, since: datetime | None, budgets: Budgets) -> Finding:
    path, tolerance = view.path(container), budgets.missing_ref_timeout
    return Finding("missing-reference", path, told, since, tolerance, view.busy, events=view.warnings())


def _waiting(view: PodView, container: Container, budgets: Budgets) -> Iterator[Finding]:
    waiting = container.state.waiting
    if waiting is None:
        return
    since = waiting.since or view.pod.created_at
    told = f"{waiting.reason}: {waiting.message}" if waiting.message else waiting.reason
    if waiting.reason in _NEVER:
        rule, path = _NEVER[waiting.reason], view.path(container.name)
        yield Finding(rule, path, told, since, image=container.image, events=view.warnings(), recoverable=False)
    elif waiting.reason in PULL_REASONS:
        yield from pull_findings(view, container, told, since)
    elif waiting.reason in _CANNOT_CREATE and MISSING.search(waiting.message):
        yield _missing(view, container.name, told, since, budgets)
    elif waiting.reason in _CANNOT_CREATE:
        path, tolerance = view.path(container.name), budgets.missing_ref_timeout
        yield Finding("cannot-create", path, told, since, tolerance, image=container.image, events=view.warnings())
