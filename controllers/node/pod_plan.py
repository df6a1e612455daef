"""What to do next for a pod: a pure function of its spec, what was seen, and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.node.backoff import next_backoff, restart_at, retry_at
from upright.controllers.node.sight import PAUSE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from upright.controllers.node.sight import ContainerSight, Seen
    from upright.openapi.core_v1.container import Container
    from upright.openapi.core_v1.pod_spec import PodSpec

ATTEMPTS_KEPT = 2
"""The newest attempt and the one before: what ``logs --previous`` reads."""


class Prepare(Struct, frozen=True):
    """Make the pod's address, volumes and, where it needs one, the container that holds its network."""


class Start(Struct, frozen=True):
    """Bring the image, create and start this attempt at the container."""

    name: str
    attempt: int
    backoff_seconds: float


class Remove(Struct, frozen=True):
    """Remove a container that is over and no longer of interest."""

    id: str


class Wait(Struct, frozen=True):
    """Nothing before this moment."""

    until: datetime


Step = Prepare | Start | Remove | Wait


def plan(spec: PodSpec, seen: Seen, now: datetime) -> list[Step]:
    """Return what to do now, and what to wait for; nothing if only the world can move on."""
    if not seen.prepared:
        problem = seen.problems.get(PAUSE)
        if problem is not None and retry_at(problem) > now:
            return [Wait(retry_at(problem))]
        return [Prepare()]
    return [*_containers(spec, seen, now), *_surplus(seen)]


def should_restart(policy: str, last: ContainerSight, *, init: bool) -> bool:
    """Whether a container that is over is to run again; an init container never does once it succeeded."""
    if policy == "Never":
        return False
    if policy == "OnFailure" or init:
        return not last.succeeded
    return True


def pending_init(spec: PodSpec, seen: Seen) -> Container | None:
    """Return the init container whose turn it is, None when all are through."""
    if any(seen.latest(container.name) for container in spec.containers):
        return None
    for container in spec.init_containers:
        last = seen.latest(container.name)
        if last is None or not last.succeeded:
            return container
    return None


def _containers(spec: PodSpec, seen: Seen, now: datetime) -> Iterator[Step]:
    init = pending_init(spec, seen)
    for container in (init,) if init else spec.containers:
        step = _step(spec.restart_policy, container, seen, now, init=init is not None)
        if step is not None:
            yield step


def _step(policy: str, container: Container, seen: Seen, now: datetime, *, init: bool) -> Step | None:
    last = seen.latest(container.name)
    start = Start(container.name, 0, 0.0)
    due = now
    if last is not None:
        if not last.ended or not should_restart(policy, last, init=init):
            return None
        start = Start(container.name, last.attempt + 1, next_backoff(last))
        due = restart_at(last)
    problem = seen.problems.get(container.name)
    if problem is not None:
        due = max(due, retry_at(problem))
    return Wait(due) if due > now else start


def _surplus(seen: Seen) -> Iterator[Step]:
    for name in sorted({one.name for one in seen.containers if one.name != PAUSE}):
        for old in seen.attempts(name)[ATTEMPTS_KEPT:]:
            if old.ended:
                yield Remove(old.id)
