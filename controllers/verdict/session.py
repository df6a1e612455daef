"""The exit decision: from all targets and failures to healthy, failed, out of time, cannot tell, or not yet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from upright.openapi.meta import format_duration
from upright.openapi.v1alpha1.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from upright.openapi.v1alpha1.session import SessionSpec, Target

EXIT_HEALTHY, EXIT_FAILED, EXIT_USAGE, EXIT_UNKNOWN, EXIT_TILTFILE, EXIT_TIMEOUT = 0, 1, 2, 3, 5, 124

_PLACE = re.compile(r"^\s*(\S+:\d+:\d+)", re.MULTILINE)
_ERROR = re.compile(r"^Error(?: in [\w.]+)?: ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Observed:
    """All that the decision is made of.

    ``failures``: of all resources, with the date of their resource's last deploy beside them in ``deployed_at``.
    ``cluster_error`` is why the cluster cannot be reached, ``cluster_lost_for`` how long that has been so.
    """

    targets: Sequence[Target]
    failures: Sequence[Failure]
    started: datetime
    tiltfile_error: str = ""
    wrong_usage: bool = False
    tiltfile_done: bool = False
    cluster_error: str = ""
    cluster_needed: bool = False
    deployed_at: dict[str, datetime] = field(default_factory=dict)
    held_back: dict[str, tuple[str, ...]] = field(default_factory=dict)
    waits_for: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the run comes to. ``state`` is the verdict's; ``after``: when to look again though nothing happens."""

    state: str
    reason: str = ""
    exit_code: int | None = None
    failures: tuple[Failure, ...] = ()
    after: datetime | None = None

    @property
    def done(self) -> bool:
        return self.state != "pending"


@dataclass(slots=True)
class _Tally:
    waiting: list[str] = field(default_factory=list)
    not_ready: list[str] = field(default_factory=list)
    retrying: list[str] = field(default_factory=list)

    def all_well(self) -> bool:
        return not (self.waiting or self.not_ready or self.retrying)

    def words(self) -> str:
        parts = (
            ("resources waiting", self.waiting),
            ("resources not ready", self.not_ready),
            ("resources retrying", self.retrying),
        )
        return ", ".join(f"{len(names)} {what} ({','.join(names)})" for what, names in parts if names)


def decide(spec: SessionSpec, seen: Observed, now: datetime) -> Decision:
    """Return what the run comes to, as far as can be told now. Failures are told with root causes first."""
    if at_once := _at_once(seen):
        return at_once
    red, tolerated, times = _sort(spec, seen, now)
    tally = _tally(seen.targets, {failure.target for failure in tolerated})
    if red and (spec.fail_fast == "first" or _nothing_moves(tally, red, seen)):
        return Decision("failed", _said(red), EXIT_FAILED, _ranked(red, seen))
    if not red and seen.tiltfile_done and tally.all_well() and len(seen.targets) > 1:
        return Decision("healthy", exit_code=EXIT_HEALTHY)
    late = _readiness_timeout(spec, seen, now, times)
    if late is not None:
        return Decision("failed", late.message, EXIT_FAILED, _ranked((late, *red, *tolerated), seen))
    timeout = spec.limits.timeout or (spec.ci.timeout if spec.ci else None)
    if timeout:
        if now - seen.started > timeout:
            told = f"Timeout after {format_duration(timeout)}: {tally.words() or 'nothing finished'}"
            return Decision("timeout", told, EXIT_TIMEOUT, _ranked((*red, *tolerated), seen))
        times.append(seen.started + timeout)
    return Decision("pending", failures=_ranked(red, seen), after=min(times, default=None))


def _at_once(seen: Observed) -> Decision | None:
    if seen.tiltfile_error:
        return Decision("failed", one_line(seen.tiltfile_error), EXIT_USAGE if seen.wrong_usage else EXIT_TILTFILE)
    if seen.cluster_needed and seen.cluster_error:
        return Decision("unknown", f"cannot tell: {seen.cluster_error}", EXIT_UNKNOWN)
    return None


def one_line(error: str) -> str:
    """Return a Tiltfile's error (a traceback, source lines, ``Error: …``) as one line: the innermost place, and what is wrong."""
    begun = [found.span() for found in _ERROR.finditer(error)]
    start, end = begun[-1] if begun else (0, 0)
    places = _PLACE.findall(error[:start])
    said = " ".join(error[end:].split())
    return f"{places[-1]}: {said}" if places else said


def _sort(
    spec: SessionSpec, seen: Observed, now: datetime
) -> tuple[tuple[Failure, ...], tuple[Failure, ...], list[datetime]]:
    """Part the failures into red ones and those that the grace period still tolerates."""
    grace = spec.ci.k8s_grace_period if spec.ci else None
    red: list[Failure] = []
    tolerated: list[Failure] = []
    times: list[datetime] = []
    for failure in seen.failures:
        deployed = seen.deployed_at.get(failure.resource)
        if grace and deployed and failure.recoverable and failure.target.endswith(":runtime"):
            if now - deployed < grace:
                tolerated.append(failure)
                times.append(deployed + grace)
                continue
            failure = failure.model_copy(update={"message": f"exceeded grace period: {failure.message}"})  # noqa: PLW2901  reason: it is told so from here on
        red.append(failure)
    return tuple(red), tuple(tolerated), times


def _tally(targets: Sequence[Target], tolerated: set[str]) -> _Tally:
    tally = _Tally()
    for target in targets:
        state = target.state
        if state.waiting is not None:
            tally.waiting.append(f"{target.name} {state.waiting.wait_reason}")
        elif state.active is not None and not state.active.ready:
            tally.not_ready.append(target.name)
        elif state.terminated is not None and state.terminated.error and target.name in tolerated:
            tally.retrying.append(target.name)
    return tally


def _nothing_moves(tally: _Tally, red: tuple[Failure, ...], seen: Observed) -> bool:
    """Whether all that is left waits for what failed."""
    failed = {failure.resource for failure in red}
    stuck = failed | {name for name, causes in seen.held_back.items() if failed & set(causes)}
    left = [entry.split(" ")[0] for entry in (*tally.waiting, *tally.not_ready, *tally.retrying)]
    return all(name.rpartition(":")[0] in stuck for name in left)


def _ranked(failures: Sequence[Failure], seen: Observed) -> tuple[Failure, ...]:
    """Return the failures with root causes first: those that others depend on, then the earliest."""

    def rank(failure: Failure) -> tuple[int, float]:
        causes = set(seen.held_back.get(failure.resource, ()))
        after_another = any(other.resource in causes for other in failures)
        return int(after_another), failure.since.timestamp() if failure.since else float("inf")

    held: dict[str, list[str]] = {}
    for name, causes in seen.held_back.items():
        for cause in causes:
            held.setdefault(cause, []).append(name)
    return tuple(
        failure.model_copy(update={"held_back": tuple(sorted(held.get(failure.resource, ())))})
        for failure in sorted(failures, key=rank)
    )


def _said(red: Sequence[Failure]) -> str:
    """Return one sentence: the first failure with its resource, and how many more there are."""
    first = red[0]
    place = f"{' → '.join(first.path)}: " if first.path else ""
    more = f" (and {len(red) - 1} more)" if len(red) > 1 else ""
    return f"{first.resource}: {place}{first.message}{more}"


def _readiness_timeout(spec: SessionSpec, seen: Observed, now: datetime, times: list[datetime]) -> Failure | None:
    limit = spec.limits.ready_timeout or (spec.ci.readiness_timeout if spec.ci else None)
    if not limit:
        return None
    for target in seen.targets:
        active = target.state.active
        if target.type != "server" or active is None or active.ready:
            continue
        since = active.last_ready_time or active.start_time
        if since is None:
            continue
        if now - since > limit:
            name = target.resources[0]
            waits = f": it waits for {seen.waits_for[name]}" if seen.waits_for.get(name) else ""
            told = f"Readiness timeout after {format_duration(limit)}: target {target.name} not ready{waits}"
            return Failure(resource=name, target=target.name, rule="readiness-timeout", message=told, since=since)
        times.append(since + limit + timedelta(milliseconds=1))
    return None
