"""How a Compose service is doing: ready, on its way, or failed, from its containers as the engine shows them; pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from upright.controllers.verdict.crashes import CRASHES_WHATEVER_ELSE
from upright.controllers.verdict.finding import Finding, counted
from upright.controllers.verdict.serving_pods import Wait

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from upright.controllers.verdict.budgets import Budgets
    from upright.openapi.v1alpha1.docker_compose_service import ComposeContainer

STABLE_AGAIN = timedelta(seconds=10)
"""What the engine had to start again must run so long, as the engine itself counts: how long it ran before is not told."""

HEALTHY, UNHEALTHY = "healthy", "unhealthy"


class Composed(Struct, frozen=True):
    """What is known of a service: its containers, how many there should be, and what the look before this one came to.

    ``completes``: another service waits for it to end well. ``busy``: something that it could wait for is coming up.
    """

    service: str
    containers: Sequence[ComposeContainer]
    replicas: int = 1
    completes: bool = False
    tolerated: Mapping[str, int] = field(default_factory=dict[str, int])
    excused: Mapping[str, datetime | None] = field(default_factory=dict[str, "datetime | None"])
    once_ready: bool = False
    busy: bool = False


class ComposeState(Struct, frozen=True):
    """``ok``, ``pending`` or ``error``; ``after``: when the same may come to something else. ``started``: all have begun."""

    state: Literal["ok", "pending", "error"]
    waits: tuple[Wait, ...] = ()
    findings: tuple[Finding, ...] = ()
    after: datetime | None = None
    complete: bool = False
    started: bool = False
    tolerated: Mapping[str, int] = field(default_factory=dict[str, int])
    excused: Mapping[str, datetime | None] = field(default_factory=dict[str, "datetime | None"])


def composed(seen: Composed, budgets: Budgets, now: datetime) -> ComposeState:
    """Decide how the service is doing."""
    tolerated = _crashes_now(seen) if seen.busy else dict(seen.tolerated)
    every = [one for container in seen.containers if (one := _finding(seen, container, tolerated, budgets))]
    found, excused = counted(every, seen.excused, now)
    waits: list[Wait] = []
    times: list[datetime] = []
    for container in seen.containers:
        _wait(seen, container, budgets, now, waits, times)
    missing = seen.replicas - len(seen.containers)
    if missing > 0:
        waits.append(Wait(f"{missing} of {seen.replicas} containers to be created", (_place(seen),)))
    red = any(one.is_red(now) for one in found)
    ok = not red and not waits
    if ok and not seen.once_ready and not seen.busy:
        tolerated = _crashes_now(seen)
    return ComposeState(
        "error" if red else "ok" if ok else "pending",
        tuple(waits),
        found,
        min(times, default=None),
        complete=ok and bool(seen.containers) and all(_ended_well(one) for one in seen.containers),
        started=missing <= 0 and all(one.state.status not in {"created", ""} for one in seen.containers),
        tolerated=tolerated,
        excused=excused,
    )


def _place(seen: Composed) -> str:
    return f"service {seen.service}"


def _ended_well(container: ComposeContainer) -> bool:
    return container.state.status == "exited" and container.state.exit_code == 0


def _crashes(container: ComposeContainer) -> int:
    """Return how often the container has ended that the engine starts again."""
    return container.restarts


def _crashes_now(seen: Composed) -> dict[str, int]:
    return {one.name: count for one in seen.containers if (count := _crashes(one))}


def _finding(
    seen: Composed, container: ComposeContainer, tolerated: Mapping[str, int], budgets: Budgets
) -> Finding | None:
    state = container.state
    if state.status == "dead" or (state.status in {"exited", "created"} and state.error):
        said = state.error or "the engine gave it up"
        return _found(seen, container, "container-not-startable", said, recoverable=False)
    if state.status == "exited" and state.exit_code:
        return _found(seen, container, "container-exited", f"exited with code {state.exit_code}", recoverable=False)
    if crashing := _crash_loop(seen, container, tolerated, budgets):
        return crashing
    if state.health_status == UNHEALTHY:
        said = f": {container.health_output}" if container.health_output else ""
        return replace(_found(seen, container, "unhealthy", f"its health check fails{said}"), held=seen.busy)
    return None


def _crash_loop(
    seen: Composed, container: ComposeContainer, tolerated: Mapping[str, int], budgets: Budgets
) -> Finding | None:
    count = _crashes(container)
    counts = count - tolerated.get(container.name, 0)
    budget = max(budgets.crash_budget - 1, 1) if seen.once_ready else budgets.crash_budget
    if not count or not (counts >= budget or count >= max(CRASHES_WHATEVER_ELSE, budgets.crash_budget)):
        return None
    code = f"exited with code {container.state.exit_code}, " if container.state.status == "restarting" else ""
    return _found(seen, container, "crash-loop", f"{code}restarted {count} times")


def _found(
    seen: Composed, container: ComposeContainer, rule: str, message: str, *, recoverable: bool = True
) -> Finding:
    state = container.state
    return Finding(
        rule,
        (_place(seen), f"container {container.name}"),
        message,
        state.finished_at or state.started_at,
        exit_code=state.exit_code if state.status in {"exited", "restarting", "dead"} else None,
        image=container.image,
        log_of=_log_of(seen, container),
        recoverable=recoverable,
    )


def _log_of(seen: Composed, container: ComposeContainer) -> tuple[str, str]:
    """Return what tells the container's log from those of its service's others."""
    return ("", container.name if seen.replicas > 1 else "")


def _wait(
    seen: Composed,
    container: ComposeContainer,
    budgets: Budgets,
    now: datetime,
    waits: list[Wait],
    times: list[datetime],
) -> None:
    """Add what the container waits for, and when time alone may be enough."""
    words = _waits_for(seen, container)
    state = container.state
    if not words and state.running and not state.health_status:
        still = (
            max(budgets.stable_for, STABLE_AGAIN) if container.restarts and budgets.stable_for else budgets.stable_for
        )
        stable = (state.started_at or now) + still
        if now < stable:
            words = f"to have run for {still.total_seconds():g}s"
            times.append(stable)
    if words:
        path = (_place(seen), f"container {container.name}")
        waits.append(Wait(f"container {container.name} {words}", path, _log_of(seen, container)))


def _waits_for(seen: Composed, container: ComposeContainer) -> str:
    state = container.state
    if _ended_well(container):
        return ""
    if not state.running:
        return f"to run ({state.status or 'unknown'})"
    if seen.completes:
        return "to end well"
    if state.health_status not in {"", HEALTHY}:
        return f"to be healthy ({state.health_status})"
    return ""
