"""Crash loops: how often a container ended that should run, and when that is too often."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from upright.controllers.verdict.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from upright.controllers.verdict.budgets import Budgets
    from upright.controllers.verdict.pod_view import PodView
    from upright.openapi.v1alpha1.kubernetes_discovery import Container, ContainerTerminated, Pod

CRASHES_WHATEVER_ELSE = 5
START_REFUSALS = 2

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


def _is_crash(pod: Pod, container: Container, ended: ContainerTerminated) -> bool:
    """Whether the end is a crash: a server that is to be restarted always should not end well either."""
    return ended.exit_code != 0 or (pod.restart_policy in {"", "Always"} and container not in pod.init_containers)


def tolerance_key(pod: Pod, container: Container) -> str:
    """Return the name under which the tolerated crashes of a container are kept."""
    return f"{pod.name}/{container.name}"


def crash_findings(view: PodView, container: Container, budgets: Budgets) -> Iterator[Finding]:
    """Yield the crash loop that the container is in; a Job counts for itself, and what is not restarted has failed."""
    pod = view.pod
    if view.of_job or pod.restart_policy == "Never":
        return
    last = container.state.terminated or (container.last.terminated if container.last is not None else None)
    if last is None or not _is_crash(pod, container, last) or _is_well(container, budgets.stable_for, view.now):
        return
    count = crashes(pod, container)
    counts = count - view.tolerated.get(tolerance_key(pod, container), 0)
    budget = max(budgets.crash_budget - 1, 1) if view.once_ready else budgets.crash_budget
    refused = count >= START_REFUSALS and last.reason in _START_FAILED and bool(_NOT_STARTABLE.search(last.message))
    if not (refused or counts >= budget or count >= max(CRASHES_WHATEVER_ELSE, budgets.crash_budget)):
        return
    why = f": {last.message}" if last.message else f" ({last.reason})" if last.reason not in _PLAIN else ""
    yield Finding(
        "not-startable" if refused else "crash-loop",
        view.path(container.name),
        f"exited with code {last.exit_code}, {count} times{why}",
        last.finished_at,
        exit_code=last.exit_code,
        image=container.image,
        log_of=(pod.name, container.name),
        events=view.warnings(),
        recoverable=not refused,
    )


_PLAIN = frozenset({"", "Error", "Completed"})


def _is_well(container: Container, stable_for: timedelta, now: datetime) -> bool:
    at = stable_at(container, stable_for)
    return at is not None and at <= now


def stable_at(container: Container, stable_for: timedelta) -> datetime | None:
    """Return when the container counts as ready; None: not in sight.

    With a readiness probe that is when it passes; without, when it has run ``stable_for`` without a restart.
    """
    running = container.state.running
    if running is None or not container.ready or running.started_at is None:
        return None
    return running.started_at if container.probed else running.started_at + stable_for
