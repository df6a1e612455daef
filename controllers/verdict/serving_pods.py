"""Pods that serve: each container ready, and stable if it has no probe; else what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.verdict.crashes import must_run, stable_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, timedelta

    from upright.openapi.v1alpha1.kubernetes_discovery import Container, ObservedEvent, Pod


class Wait(Struct, frozen=True):
    """What is waited for, and where; ``log_of`` names pod and container whose log may tell why."""

    text: str
    path: tuple[str, ...] = ()
    log_of: tuple[str, str] | None = None


def pods_wait_for(
    pods: Sequence[Pod], events: Sequence[ObservedEvent], stable_for: timedelta, now: datetime, to_the_end: bool
) -> tuple[list[Wait], datetime | None]:
    """Return what the pods wait for, and when time alone may be enough.

    Pods of Jobs are their Job's business; ``to_the_end``: pods are to succeed, not to serve.
    """
    waits: list[Wait] = []
    times: list[datetime] = []
    for pod in pods:
        if pod.deleting or pod.phase in {"Succeeded", "Failed"} or _is_a_jobs_business(pod, to_the_end):
            continue
        if to_the_end:
            waits.append(Wait(f"Pod/{pod.name} to succeed ({pod.status or pod.phase})", (f"Pod/{pod.name}",)))
            continue
        if not pod.containers:
            waits.append(_unplaced(pod))
        serving = (*(one for one in pod.init_containers if one.sidecar), *pod.containers)
        for container in serving:
            at = stable_at(container, stable_for)
            if at is None or at > now:
                waits.append(_wait(pod, container, events, must_run(container, stable_for) if at is not None else None))
            if at is not None and at > now:
                times.append(at)
        waits += _not_ready(pod) if all(one.ready for one in serving) else ()
    return sorted(waits, key=lambda wait: wait.path), min(times, default=None)


def _unplaced(pod: Pod) -> Wait:
    """Return the wait for a pod of which no container is seen yet; without a node, in the scheduler's words."""
    said = [
        one.message for one in pod.conditions if (one.type, one.status) == ("PodScheduled", "False") and one.message
    ]
    return Wait(f"Pod/{pod.name} to start ({': '.join([pod.status or pod.phase, *said])})", (f"Pod/{pod.name}",))


def _is_a_jobs_business(pod: Pod, to_the_end: bool) -> bool:
    """Whether the pod's Job tells how it goes; one that a custom resource made is not looked at, its pods are."""
    of_job = pod.owner is not None and pod.owner.kind == "Job"
    return of_job and not (to_the_end and pod.ancestor_uid != pod.owner_uid)


def _not_ready(pod: Pod) -> Iterator[Wait]:
    """Yield why the pod is not ready though its containers are: its node is lost, or a readiness gate is shut."""
    for told in pod.conditions:
        if pod.containers and told.type == "Ready" and told.status != "True":
            why = told.message or told.reason or told.status
            yield Wait(f"Pod/{pod.name} to be ready ({why})", (f"Pod/{pod.name}",))


def _wait(pod: Pod, container: Container, events: Sequence[ObservedEvent], still: timedelta | None) -> Wait:
    place = f"container {container.name} of Pod/{pod.name}"
    path, log_of = (f"Pod/{pod.name}", f"container {container.name}"), (pod.name, container.name)
    if still is not None:
        last = container.last.terminated if container.last is not None else None
        longer = f", longer than before it ended with code {last.exit_code}" if last is not None else ""
        return Wait(f"{place} to have run for {still.total_seconds():g}s{longer}", path, log_of)
    return Wait(f"{place} to be ready{_why(pod, container, events)}", path, log_of)


def _why(pod: Pod, container: Container, events: Iterable[ObservedEvent]) -> str:
    if (waiting := container.state.waiting) is not None:
        return f" ({waiting.reason})"
    if container.state.running is None:
        return ""
    said = list(_probe_failures(pod, events))
    return f" ({said[-1]})" if said else ""


def _probe_failures(pod: Pod, events: Iterable[ObservedEvent]) -> Iterator[str]:
    for event in events:
        if event.uid == pod.uid and event.reason == "Unhealthy":
            yield " ".join(event.message.split())
