"""What can be wrong with a pod: rules over what the cluster says of it and its containers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from upright.controllers.verdict.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from upright.controllers.verdict.budgets import Budgets
    from upright.openapi.v1alpha1.kubernetes_discovery import Container, ObservedEvent, Pod

CRASHES_WHATEVER_ELSE = 5
CRASHES_ONCE_READY = 2
START_REFUSALS = 2
PULL_REFUSALS = 2

_PULL_NEVER = re.compile(r"not found|manifest unknown|unauthorized|denied|does not exist|name unknown", re.IGNORECASE)
_PULL_UNREACHABLE = re.compile(r"connection refused|no such host", re.IGNORECASE)
_PULL_LATER = re.compile(r"\b429\b|too many requests|\b5\d\d\b|timeout|timed out|deadline exceeded", re.IGNORECASE)
_NOT_STARTABLE = re.compile(r"executable file not found|no such file or directory|exec format error", re.IGNORECASE)
_MISSING = frozenset({"CreateContainerConfigError", "CreateContainerError"})
_NEVER = {
    "InvalidImageName": "invalid-image-name",
    "ErrImageNeverPull": "image-never-pull",
}


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod with what its rules need to know beside it.

    ``tolerated`` are crashes that happened while something it could wait for was still coming up, by container;
    ``once_ready``: the resource was ready before; ``of_job``: a Job decides how often it may fail;
    ``expected``: something in this run may still create what is missing.
    """

    pod: Pod
    owner: tuple[str, ...]
    events: Sequence[ObservedEvent]
    tolerated: Mapping[str, int]
    once_ready: bool = False
    of_job: bool = False
    expected: bool = False

    def path(self, container: str = "") -> tuple[str, ...]:
        """Return the way to the pod, or to one of its containers."""
        way = (*self.owner, f"Pod/{self.pod.name}")
        return (*way, f"container {container}") if container else way


def findings(view: PodView, budgets: Budgets) -> Iterator[Finding]:
    """Yield all that is wrong with the pod."""
    if view.pod.deleting:
        return
    yield from _unschedulable(view, budgets)
    yield from _failed(view)
    for container in (*view.pod.init_containers, *view.pod.containers):
        yield from _waiting(view, container, budgets)
        yield from _crashes(view, container, budgets)


def crashes(container: Container) -> int:
    """Return how often the container ended badly: its restarts, and the end it is in now."""
    ended = container.state.terminated
    return container.restarts + (1 if ended is not None and ended.exit_code != 0 else 0)


def _unschedulable(view: PodView, budgets: Budgets) -> Iterator[Finding]:
    for condition in view.pod.conditions:
        if condition.type == "PodScheduled" and condition.status == "False" and condition.reason == "Unschedulable":
            since = condition.last_transition_time or view.pod.created_at
            due = since + budgets.unschedulable_timeout if since else None
            yield Finding("unschedulable", view.path(), f"no node can take the pod: {condition.message}", since, due)


def _failed(view: PodView) -> Iterator[Finding]:
    pod = view.pod
    if pod.phase != "Failed" or pod.owner is not None:
        return
    ended = next(
        ((c, t) for c in (*pod.init_containers, *pod.containers) if (t := c.state.terminated) and t.exit_code), None
    )
    if ended is None:
        yield Finding("pod-failed", view.path(), f"the pod failed: {pod.message or pod.reason or 'no reason given'}")
        return
    container, state = ended
    yield Finding(
        "pod-failed",
        view.path(container.name),
        f"exited with code {state.exit_code}, and nothing restarts it",
        state.finished_at,
        exit_code=state.exit_code,
        image=container.image,
        log_of=(pod.name, container.name),
        recoverable=False,
    )


def _waiting(view: PodView, container: Container, budgets: Budgets) -> Iterator[Finding]:
    waiting = container.state.waiting
    if waiting is None:
        return
    since = waiting.since or view.pod.created_at
    path = view.path(container.name)
    told = f"{waiting.reason}: {waiting.message}" if waiting.message else waiting.reason
    if waiting.reason in _NEVER:
        yield Finding(_NEVER[waiting.reason], path, told, since, image=container.image, recoverable=False)
    elif waiting.reason in {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"}:
        yield from _pull(view, container, told, since)
    elif waiting.reason in _MISSING and not view.expected:
        due = since + budgets.missing_ref_timeout if since else None
        yield Finding("missing-reference", path, told, since, due, image=container.image)


def _pull(view: PodView, container: Container, told: str, since: datetime | None) -> Iterator[Finding]:
    words = " ".join([told, *(e.message for e in view.events if e.reason == "Failed")])
    path = view.path(container.name)
    if _PULL_LATER.search(told):
        return
    if _PULL_NEVER.search(words):
        yield Finding("image-pull", path, told, since, image=container.image, recoverable=False)
    elif _PULL_UNREACHABLE.search(words):
        refusals = sum(
            max(e.count, 1) for e in view.events if e.reason == "Failed" and _PULL_UNREACHABLE.search(e.message)
        )
        if refusals >= PULL_REFUSALS:
            yield Finding("image-pull", path, told, since, image=container.image)


def _crashes(view: PodView, container: Container, budgets: Budgets) -> Iterator[Finding]:
    if view.of_job or view.pod.restart_policy == "Never":
        return
    count = crashes(container)
    counted = count - view.tolerated.get(container.name, 0)
    budget = min(budgets.crash_budget, CRASHES_ONCE_READY) if view.once_ready else budgets.crash_budget
    last = (container.last.terminated if container.last else None) or container.state.terminated
    if last is None or last.exit_code == 0:
        return
    refused = count >= START_REFUSALS and bool(_NOT_STARTABLE.search(last.message))
    if not (refused or counted >= budget or count >= max(CRASHES_WHATEVER_ELSE, budgets.crash_budget)):
        return
    why = f": {last.message}" if last.message else f" ({last.reason})" if last.reason not in {"", "Error"} else ""
    yield Finding(
        "not-startable" if refused else "crash-loop",
        view.path(container.name),
        f"exited with code {last.exit_code}, {count} times{why}",
        last.finished_at,
        exit_code=last.exit_code,
        image=container.image,
        log_of=(view.pod.name, container.name),
    )


def stable_at(container: Container, stable_for: timedelta) -> datetime | None:
    """Return when the container counts as ready; None: not in sight.

    With a readiness probe that is when it passes; without, when it has run ``stable_for`` without a restart.
    """
    running = container.state.running
    if running is None or not container.ready or running.started_at is None:
        return None
    return running.started_at + (timedelta() if container.probed else stable_for)
