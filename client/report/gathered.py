"""From the objects of a run to its report; pure, so that a run that is played again has the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.report import Leg, Report, ResourceReport, TargetReport
from upright.openapi.v1alpha1.failure import Failure
from upright.openapi.v1alpha1.resource import TILTFILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from upright.openapi.report import ResourceState, TargetState
    from upright.openapi.v1alpha1.resource import Resource
    from upright.openapi.v1alpha1.session import Session, Target


def report_of(session: Session, resources: Iterable[Resource], *, version: str, logs: str = "") -> Report:
    """Return the report of the run that the Session is; ``logs`` is the folder with its logs."""
    status = session.status
    failures = told_failures(session)
    targets: dict[str, list[Target]] = {}
    for target in status.targets:
        targets.setdefault(next(iter(target.resources), ""), []).append(target)
    ordered = sorted(resources, key=lambda one: (one.spec.kind != "tiltfile", one.spec.order, one.name))
    reports = tuple(_resource(one, targets.get(one.name, ()), failures) for one in ordered)
    return Report(
        upright=version,
        tiltfile=session.spec.tiltfile_path,
        start_time=status.start_time,
        finish_time=status.verdict.time,
        seconds=_seconds(status.start_time, status.verdict.time),
        verdict=status.verdict,
        failures=failures,
        resources=reports,
        critical_path=critical_path(reports),
        logs=logs,
    )


def told_failures(session: Session) -> tuple[Failure, ...]:
    """Return the failure cards; a Tiltfile that is wrong has none in the Session, and gets one."""
    status = session.status
    if status.failures or status.verdict.state != "failed":
        return status.failures
    ended = next((t.state.terminated for t in status.targets if t.name == "tiltfile:update"), None)
    since = ended.finish_time if ended is not None else status.verdict.time
    message = status.error or status.verdict.reason
    return (Failure(resource=TILTFILE, target="tiltfile:update", rule="tiltfile", message=message, since=since),)


def _resource(resource: Resource, targets: Sequence[Target], failures: Sequence[Failure]) -> ResourceReport:
    status = resource.status
    started = min((r.start_time for r in status.build_history if r.start_time), default=None)
    if started is None and status.current_build is not None:
        started = status.current_build.start_time
    ready = next((c.last_transition_time for c in status.conditions if c.type == "Ready" and c.status == "True"), None)
    last = next(iter(status.build_history), None)
    held = tuple(one.resource for one in failures if resource.name in one.held_back)
    return ResourceReport(
        name=resource.name,
        kind=resource.spec.kind,
        labels=resource.spec.labels,
        state=_state(resource, failures, held=bool(held), ready=ready is not None),
        depends_on=resource.spec.depends_on,
        held_back_by=tuple(dict.fromkeys(held)),
        start_time=started,
        ready_time=ready,
        update_seconds=_seconds(last.start_time, last.finish_time) if last is not None else None,
        seconds=_seconds(started, ready or _failed_at(resource, failures)),
        steps=status.steps,
        targets=tuple(_target(target, resource.name) for target in targets),
    )


def _state(resource: Resource, failures: Sequence[Failure], *, held: bool, ready: bool) -> ResourceState:
    status = resource.status
    if status.disable_status.state == "Disabled":
        return "disabled"
    if any(one.resource == resource.name for one in failures) or (
        status.build_history and status.build_history[0].error
    ):
        return "failed"
    if ready:
        return "healthy"
    if held:
        return "held-back"
    return "idle" if status.update_status == "none" and not resource.spec.auto_init else "pending"


def _failed_at(resource: Resource, failures: Sequence[Failure]) -> datetime | None:
    return next((one.since for one in failures if one.resource == resource.name), None)


def _target(target: Target, resource: str) -> TargetReport:
    state, started, finished, error, waits = _seen(target)
    return TargetReport(
        name=target.name,
        type=target.type,
        resource=resource,
        state=state,
        start_time=started,
        finish_time=finished,
        seconds=_seconds(started, finished),
        error=error,
        waits=waits,
    )


def _seen(target: Target) -> tuple[TargetState, datetime | None, datetime | None, str, str]:
    state = target.state
    if (ended := state.terminated) is not None:
        word: TargetState = "failed" if ended.error else "healthy"
        return word, ended.start_time, ended.finish_time, ended.error, ""
    if (active := state.active) is not None:
        word = "healthy" if active.ready else "running"
        return word, active.start_time, active.last_ready_time if active.ready else None, "", ""
    if state.waiting is not None:
        return "waiting", None, None, "", state.waiting.wait_reason
    return "disabled" if state.disabled is not None else "idle", None, None, "", ""


def critical_path(resources: Iterable[ResourceReport]) -> tuple[Leg, ...]:
    """Return the chain of resources that the run's length is made of: from the last to end, back over what it waited for."""
    ended = {one.name: (one, end) for one in resources if (end := _end(one)) is not None}
    if not ended:
        return ()
    name = max(ended, key=lambda known: (ended[known][1], known))
    legs: list[Leg] = []
    while name:
        one, _ = ended[name]
        before = _before(one, ended)
        waited = _seconds(ended[before][1], one.start_time) if before else 0.0
        legs.append(Leg(resource=name, waited_seconds=max(waited or 0.0, 0.0), seconds=one.seconds or 0.0))
        name = before if before not in {leg.resource for leg in legs} else ""
    return tuple(reversed(legs))


def _before(one: ResourceReport, ended: Mapping[str, tuple[ResourceReport, datetime]]) -> str:
    """Return what the resource waited for last: a dependency, or else the Tiltfile."""
    if one.name == TILTFILE:
        return ""
    known = [name for name in one.depends_on if name in ended]
    return max(known, key=lambda name: ended[name][1], default=TILTFILE if TILTFILE in ended else "")


def _end(one: ResourceReport) -> datetime | None:
    if one.start_time is None or one.seconds is None:
        return None
    if one.ready_time is not None:
        return one.ready_time
    return max((t.finish_time for t in one.targets if t.finish_time), default=one.start_time)


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return round(max((end - start).total_seconds(), 0.0), 6)
