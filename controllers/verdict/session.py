"""The exit decision: from all targets and failures to healthy, failed, out of time, cannot tell, or not yet."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field

from upright.controllers.verdict.lateness import READINESS_TIMEOUT
from upright.openapi.meta import format_duration
from upright.openapi.v1alpha1.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from upright.openapi.v1alpha1.session import SessionSpec, Target

EXIT_HEALTHY, EXIT_FAILED, EXIT_USAGE, EXIT_UNKNOWN, EXIT_TILTFILE, EXIT_TIMEOUT = 0, 1, 2, 3, 5, 124
SIGHT_TIMEOUT = timedelta(seconds=60)

_ERROR = re.compile(r"^Error(?: in [\w.]+)?: ", re.MULTILINE)
_PLACE = re.compile(r"^\s*(\S+:\d+:\d+)", re.MULTILINE)


class Observed(Struct, frozen=True):
    """All that the decision is made of.

    ``failures``: of all resources, with the date of their resource's last deploy beside them in ``deployed_at``.
    ``held_back``: by resource that was never ready, all it depends on. ``cluster_error`` is why the cluster cannot be
    reached, ``sight_lost_at`` since when it cannot be seen though it was.
    """

    targets: Sequence[Target]
    failures: Sequence[Failure]
    started: datetime
    tiltfile_error: str = ""
    wrong_usage: bool = False
    tiltfile_done: bool = False
    cluster_error: str = ""
    cluster_needed: bool = False
    sight_lost_at: datetime | None = None
    deployed_at: dict[str, datetime] = field(default_factory=dict)
    held_back: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Decision(Struct, frozen=True):
    """What the run comes to. ``state`` is the verdict's; ``after``: when to look again though nothing happens.

    ``grace`` says, by target, where the grace period tolerates a failure or is exceeded by it, in Tilt's words.
    """

    state: str
    reason: str = ""
    exit_code: int | None = None
    failures: tuple[Failure, ...] = ()
    after: datetime | None = None
    grace: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def done(self) -> bool:
        return self.state != "pending"


class _Tally(Struct):
    """The targets that are not as they should be, each with what is said of it."""

    waiting: dict[str, str] = field(default_factory=dict[str, str])
    not_ready: dict[str, str] = field(default_factory=dict[str, str])
    retrying: dict[str, str] = field(default_factory=dict[str, str])

    def all_well(self) -> bool:
        return not (self.waiting or self.not_ready or self.retrying)

    def names(self) -> Iterator[str]:
        yield from self.waiting
        yield from self.not_ready
        yield from self.retrying

    def words(self) -> str:
        parts = (
            ("resources waiting", self.waiting),
            ("resources not ready", self.not_ready),
            ("resources retrying", self.retrying),
        )
        return ", ".join(f"{len(told)} {what} ({','.join(told.values())})" for what, told in parts if told)


class _Sorted(Struct):
    """The failures: red ones, and those that the grace period still tolerates, until ``times``."""

    red: list[Failure] = field(default_factory=list[Failure])
    tolerated: list[Failure] = field(default_factory=list[Failure])
    times: list[datetime] = field(default_factory=list["datetime"])
    grace: dict[str, str] = field(default_factory=dict[str, str])


def decide(spec: SessionSpec, seen: Observed, now: datetime) -> Decision:
    """Return what the run comes to, as far as can be told now. Failures are told with root causes first.

    If several things hold: a Tiltfile that is wrong, a failure, no time left, no sight of the cluster.
    """
    if seen.tiltfile_error:
        code = EXIT_USAGE if seen.wrong_usage else EXIT_TILTFILE
        return Decision("failed", one_line(seen.tiltfile_error), code)
    sorted_ = _sort(spec, seen, now)
    red = _ranked(sorted_.red, seen)
    tally = _tally(seen.targets, {failure.target for failure in sorted_.tolerated})
    forced = _forced(spec, seen, tally, now, sorted_.times)
    if red and (spec.fail_fast == "first" or forced or _nothing_moves(tally, red, seen)):
        return Decision("failed", _said(red), EXIT_FAILED, red, grace=sorted_.grace)
    if not red and _all_well(seen, tally):
        return Decision("healthy", exit_code=EXIT_HEALTHY)
    if forced:
        state, reason, code = forced
        return Decision(state, reason, code, _ranked(sorted_.tolerated, seen), grace=sorted_.grace)
    return Decision("pending", failures=red, after=min(sorted_.times, default=None), grace=sorted_.grace)


def _all_well(seen: Observed, tally: _Tally) -> bool:
    blind = seen.sight_lost_at is not None or (seen.cluster_needed and bool(seen.cluster_error))
    return seen.tiltfile_done and tally.all_well() and len(seen.targets) > 1 and not blind


def _forced(
    spec: SessionSpec, seen: Observed, tally: _Tally, now: datetime, times: list[datetime]
) -> tuple[str, str, int] | None:
    """Return how the run ends though nothing is decided: out of time, or blind. What may still come is added to times."""
    left = tally.words()
    timeout = spec.limits.timeout or (spec.ci.timeout if spec.ci else None)
    if timeout and now - seen.started > timeout:
        return "timeout", f"Timeout after {format_duration(timeout)}: {left or 'nothing finished'}", EXIT_TIMEOUT
    if seen.cluster_needed and seen.cluster_error:
        return "unknown", f"cannot tell: {seen.cluster_error}", EXIT_UNKNOWN
    if seen.sight_lost_at is not None:
        limit = spec.limits.sight_timeout or SIGHT_TIMEOUT
        if now - seen.sight_lost_at >= limit:
            known = f"; last known: {left}" if left else ""
            return "unknown", f"cannot tell: no sight of the cluster for {format_duration(limit)}{known}", EXIT_UNKNOWN
        times.append(seen.sight_lost_at + limit)
    if timeout:
        times.append(seen.started + timeout + timedelta(milliseconds=1))
    return None


_NEXT = re.compile(r"\n\n(?=\S[^\n]*:\d+:\d+:\n|Traceback \(most recent call last\):\n|… and \d+ more errors$)")
"""What stands between errors of a Tiltfile that were found together."""


def one_line(error: str) -> str:
    """Return a Tiltfile's error (a traceback, source lines, ``Error: …``) as one line: the innermost place, and what is wrong.

    Of errors that were found together the first is told, and how many there are beside it.
    """
    first, *others = _NEXT.split(error)
    unshown = re.fullmatch(r"… and (\d+) more errors", others[-1]) if others else None
    more = len(others) + (int(unshown[1]) - 1 if unshown else 0)
    return _one_line(first) + (f" (and {more} more error{'s' if more > 1 else ''})" if more else "")


def _one_line(error: str) -> str:
    begun = [found.span() for found in _ERROR.finditer(error)]
    start, end = begun[-1] if begun else (0, 0)
    places = _PLACE.findall(error[:start])
    said = " ".join(error[end:].split())
    return f"{places[-1]}: {said}" if places else said


def _sort(spec: SessionSpec, seen: Observed, now: datetime) -> _Sorted:
    """Part the failures into red ones and those that the grace period still tolerates."""
    period = spec.ci.k8s_grace_period if spec.ci else None
    found = _Sorted()
    for failure in (*seen.failures, *_without_card(seen)):
        deployed = seen.deployed_at.get(failure.resource)
        if not (period and deployed and failure.recoverable and failure.target.endswith(":runtime")):
            found.red.append(failure)
        elif now - deployed < period:
            found.tolerated.append(failure)
            found.times.append(deployed + period)
            found.grace[failure.target] = "Tolerated"
        else:
            told = f"exceeded grace period: {failure.message}"
            found.red.append(failure.model_copy(update={"message": told}))
            found.grace[failure.target] = "Exceeded"
    return found


def with_grace(targets: Sequence[Target], grace: Mapping[str, str]) -> tuple[Target, ...]:
    """Return the targets with what the grace period says of those that failed."""
    return tuple(_graced(target, grace.get(target.name, "")) for target in targets)


def _graced(target: Target, word: str) -> Target:
    if not word or target.state.terminated is None:
        return target
    ended = target.state.terminated.model_copy(update={"grace_status": word})
    return target.model_copy(update={"state": target.state.model_copy(update={"terminated": ended})})


def _without_card(seen: Observed) -> Iterator[Failure]:
    """Yield what failed though no rule says so: nothing that failed is ever taken for well."""
    told = {failure.target for failure in seen.failures}
    for target in seen.targets:
        ended = target.state.terminated
        if ended is not None and ended.error and target.name not in told:
            resource = next(iter(target.resources), "")
            yield Failure(
                resource=resource, target=target.name, rule="failed", message=ended.error, since=ended.finish_time
            )


def _tally(targets: Sequence[Target], tolerated: set[str]) -> _Tally:
    tally = _Tally()
    for target in targets:
        state = target.state
        if target.name in tolerated:
            tally.retrying[target.name] = target.name
        elif state.waiting is not None:
            tally.waiting[target.name] = f"{target.name} {state.waiting.wait_reason}"
        elif state.active is not None and not state.active.ready:
            tally.not_ready[target.name] = target.name
    return tally


def _nothing_moves(tally: _Tally, red: Sequence[Failure], seen: Observed) -> bool:
    """Whether all that is left waits for what failed."""
    failed = {failure.resource for failure in red}
    stuck = failed | {name for name, causes in seen.held_back.items() if failed & set(causes)}
    return seen.tiltfile_done and all(name.rpartition(":")[0] in stuck for name in tally.names())


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
    if first.rule == READINESS_TIMEOUT:  # says its target itself, as in Tilt
        return f"{first.message}{more}"
    return f"{first.resource}: {place}{first.message}{more}"
