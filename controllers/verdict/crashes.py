"""Crash loops: how often a container ended that should run, and when that is too often."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from upright.controllers.verdict.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from upright.controllers.verdict.budgets import Budgets
    from upright.controllers.verdict.pod_view import PodView
    from upright.openapi.v1alpha1.kubernetes_discovery import Container, ContainerTerminated, Pod

CRASHES_WHATEVER_ELSE = 5
START_REFUSALS = 2
MOST_TO_OUTLIVE = timedelta(seconds=60)
"""A container that ran longer than this before it ended need not run as long again."""

_BEGINNING = frozenset({"ContainerCreating", "PodInitializing"})
_START_FAILED = frozenset({"StartError", "ContainerCannotRun"})
_NOT_STARTABLE = re.compile(r"executable file not found|no such file or directory|exec format error", re.IGNORECASE)


def crashes(pod: Pod, container: Container) -> int:
    """Return how often the container ended that should not have: its restarts, and the end it is in now."""
    ended, waiting = container.state.terminated, container.state.waiting
    if ended is not None:
        return container.restarts + int(_is_crash(pod, container, ended))
    before = container.last.terminated if container.last is not None else None
    backing_off = waiting is not None and waiting.reason not in _BEGINNING and before is not None
    return container.restarts + int(backing_off)


def crashes_before(pod: Pod, container: Container, moment: datetime) -> int:
    """Return how many of the crashes happened before the moment; of those after it only the last has a date."""
    last = container.state.terminated or (container.last.terminated if container.last is not None else None)
    count = crashes(pod, container)
    after = last is not None and last.finished_at is not None and last.finished_at >= moment
    return max(count - 1, 0) if after else count


def _is_crash(pod: Pod, container: Container, ended: ContainerTerminated) -> bool:
    """Whether the end is a crash: a server that is to be restarted always should not end well either."""
    always = container.sidecar or (pod.restart_policy in {"", "Always"} and container not in pod.init_containers)
    return ended.exit_code != 0 or always


def tolerance_key(pod: Pod, container: Container) -> str:
    """Return the name under which the tolerated crashes of a container are kept."""
    return f"{pod.name}/{container.name}"


def crash_findings(view: PodView, container: Container, budgets: Budgets) -> Iterator[Finding]:
    """Yield the crash loop that the container is in; a Job counts for itself, and what is not restarted has failed."""
    pod = view.pod
    if view.of_job or (pod.restart_policy == "Never" and not container.sidecar):
        return
    if pod.phase == "Failed" and pod.owner is not None:  # evicted, or its node is gone: its owner makes another
        return
    last = container.state.terminated or (container.last.terminated if container.last is not None else None)
    if last is None or not _is_crash(pod, container, last) or _is_well(container, budgets.stable_for, view.now):
        return
    count = crashes(pod, container)
    counts = count - view.tolerated.get(tolerance_key(pod, container), 0)
    budget = max(budgets.crash_budget - 1, 1) if view.once_ready else budgets.crash_budget
    ours = counts if view.older else count
    refused = ours >= START_REFUSALS and last.reason in _START_FAILED and bool(_NOT_STARTABLE.search(last.message))
    if not (refused or counts >= budget or ours >= max(CRASHES_WHATEVER_ELSE, budgets.crash_budget)):
        return
    yield Finding(
        "not-startable" if refused else "crash-loop",
        view.path(container.name),
        f"exited with code {last.exit_code}, {_times(count, ours)}{_why(view, container, last)}",
        last.finished_at,
        exit_code=last.exit_code,
        image=container.image,
        log_of=(pod.name, container.name),
        events=view.warnings(),
        recoverable=not refused,
    )


_PLAIN = frozenset({"", "Error", "Completed"})
_SIGNALLED = frozenset({137, 143})


def _times(count: int, ours: int) -> str:
    return f"{_often(ours)} since it was applied ({count} in all)" if ours < count else _often(count)


def _often(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _why(view: PodView, container: Container, last: ContainerTerminated) -> str:
    """Return what is known of the cause: the container's own words, the node's, or that a probe had it killed."""
    if last.message:
        return f": {last.message}"
    if last.reason not in _PLAIN:
        return f" ({last.reason})"
    if last.exit_code not in _SIGNALLED:
        return ""
    mine = f"Container {container.name} failed "
    killed = [one.message for one in view.events if one.reason == "Killing" and one.message.startswith(mine)]
    probe = killed[-1].removeprefix(mine).partition(" probe")[0] if killed else ""
    said = [" ".join(e.message.split()) for e in view.events if e.reason == "Unhealthy" and probe.title() in e.message]
    return f": killed because its {probe} probe failed{f' ({said[-1]})' if said else ''}" if probe else ""


def _is_well(container: Container, stable_for: timedelta, now: datetime) -> bool:
    at = _ran_for(container, timedelta() if container.probed else stable_for)
    return at is not None and at <= now


def stable_at(container: Container, stable_for: timedelta) -> datetime | None:
    """Return when the container counts as ready; None: not in sight.

    With a readiness probe that is when it passes; without, when it has run ``stable_for``. One that ended when it could have
    counted as ready must outlive that run first, with a probe or without: it may end each time.
    """
    return _ran_for(container, must_run(container, stable_for))


def must_run(container: Container, stable_for: timedelta) -> timedelta:
    """Return how long the container must have run without a restart before it counts as ready."""
    ended = container.last.terminated if container.last is not None else None
    if stable_for and ended is not None and ended.started_at is not None and ended.finished_at is not None:
        lived = ended.finished_at - ended.started_at
        if lived >= stable_for:
            return min(lived, MOST_TO_OUTLIVE) + stable_for
    return timedelta() if container.probed else stable_for


def _ran_for(container: Container, still: timedelta) -> datetime | None:
    running = container.state.running
    if running is None or not container.ready or running.started_at is None:
        return None
    return (running.counts_from or running.started_at) + still if still else running.started_at
