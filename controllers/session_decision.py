"""What a run comes to: the Session's status, from all that was observed of it at one moment; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from upright.controllers.clusters import DEFAULT_CLUSTER, DOCKER_CLUSTER
from upright.controllers.verdict.session import Observed, decide, with_grace
from upright.openapi.v1alpha1.resource import TILTFILE
from upright.openapi.v1alpha1.session import (
    SessionSpec,
    SessionStatus,
    Target,
    TargetActive,
    TargetState,
    TargetTerminated,
    TargetWaiting,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from upright.controllers.verdict.session import Decision
    from upright.openapi.v1alpha1.resource import Resource
    from upright.openapi.v1alpha1.session import Session
    from upright.openapi.v1alpha1.tiltfile import TiltfileStatus


class SessionSeen(Struct, frozen=True):
    """All that the verdict is made of; ``session`` has the status of the decision before, ``resources`` go by name.

    ``beside`` are the Tiltfiles executed beside the main one (None: not begun), ``broken`` says what is wrong with one.
    ``cluster_errors`` says by Cluster why it cannot be reached, ``sight_lost_at`` since when one cannot be seen that was.
    """

    session: Session
    now: datetime
    pid: int
    tiltfile: TiltfileStatus | None = None
    beside: tuple[TiltfileStatus | None, ...] = ()
    broken: str = ""
    resources: tuple[Resource, ...] = ()
    cluster_errors: Mapping[str, str] = field(default_factory=dict[str, str])
    sight_lost_at: datetime | None = None


def session_status(seen: SessionSeen) -> tuple[SessionStatus, datetime | None]:
    """Return the Session's status, and when the same observations may come to something else."""
    session, resources = seen.session, seen.resources
    targets = [t for r in resources for t in r.status.targets]
    targets.append(_tiltfile_target(seen.tiltfile))
    targets.sort(key=lambda target: target.name)
    observed = _observed(seen, targets)
    decision = decide(_effective(session.spec, seen.tiltfile), observed, seen.now)
    done = decision.done and session.spec.exit_condition == "ci"
    status = SessionStatus(
        pid=session.status.pid or seen.pid,
        start_time=observed.started,
        targets=with_grace(targets, decision.grace),
        done=done,
        error=(observed.tiltfile_error or decision.reason) if done and decision.state != "healthy" else "",
        verdict=_verdict(decision, seen.now) if done else Verdict(),
        failures=decision.failures,
    )
    return status, decision.after


def interrupted(status: SessionStatus, verdict: Verdict) -> SessionStatus:
    """Return the status of a run that was told to end."""
    return status.model_copy(update={"done": True, "error": verdict.reason, "verdict": verdict})


def _verdict(decision: Decision, now: datetime) -> Verdict:
    return Verdict(
        state=decision.state,  # type: ignore[arg-type]  # decide returns the verdict's words
        reason=decision.reason,
        exit_code=decision.exit_code,
        time=now,
    )


def _observed(seen: SessionSeen, targets: list[Target]) -> Observed:
    resources = seen.resources
    ended = seen.tiltfile.terminated if seen.tiltfile is not None else None
    needed = {name for r in resources if r.spec.auto_init for name in _clusters_of(r)}
    trouble = [error for name, error in seen.cluster_errors.items() if name in needed]
    return Observed(
        targets=targets,
        failures=[failure for r in resources for failure in r.status.failures],
        started=seen.session.status.start_time or seen.now,
        tiltfile_error=(ended.error if ended else "") or seen.broken,
        wrong_usage=ended is not None and ended.wrong_usage,
        tiltfile_done=all(_all_there(resources, one) for one in (seen.tiltfile, *seen.beside)),
        cluster_error=next(iter(trouble), ""),
        cluster_needed=bool(needed),
        deployed_at={r.name: at for r in resources if (at := r.status.last_deploy_time)},
        held_back=_held_back(resources),
        sight_lost_at=seen.sight_lost_at,
    )


def _clusters_of(resource: Resource) -> Iterable[str]:
    """Yield the Clusters that the resource cannot do without, the container engine among them."""
    if resource.spec.kind == "kubernetes":
        yield DEFAULT_CLUSTER
    if resource.spec.needs_engine:
        yield DOCKER_CLUSTER


def _all_there(resources: Sequence[Resource], state: TiltfileStatus | None) -> bool:
    """Whether every resource that the Tiltfile described is there and has said how it is."""
    if state is None or state.terminated is None:
        return False
    known = {r.name for r in resources if r.status.update_status}
    return known.issuperset(state.resources)


def _tiltfile_target(state: TiltfileStatus | None) -> Target:
    if state is not None and state.terminated is not None:
        ended = state.terminated
        told = TargetState(
            terminated=TargetTerminated(start_time=ended.started_at, finish_time=ended.finished_at, error=ended.error)
        )
    elif state is not None and state.running is not None:
        told = TargetState(active=TargetActive(start_time=state.running.started_at))
    else:
        told = TargetState(waiting=TargetWaiting(wait_reason="initial-build"))
    return Target(name="tiltfile:update", type="job", resources=(TILTFILE,), state=told)


def _held_back(resources: Sequence[Resource]) -> dict[str, tuple[str, ...]]:
    """Return, by resource that was never ready, all it depends on, also through others."""
    direct = {r.name: r.spec.depends_on for r in resources}
    held: dict[str, tuple[str, ...]] = {}
    for resource in resources:
        if resource.status.ever_ready or not resource.spec.depends_on:
            continue
        found: set[str] = set()
        ahead = list(resource.spec.depends_on)
        while ahead:
            name = ahead.pop()
            if name not in found:
                found.add(name)
                ahead += direct.get(name, ())
        held[resource.name] = tuple(sorted(found))
    return held


def _effective(spec: SessionSpec, state: TiltfileStatus | None) -> SessionSpec:
    """Return the session's limits with what the Tiltfile's ``ci_settings`` says over them, as in Tilt."""
    if state is None or state.settings is None or spec.ci is None:
        return spec
    said = state.settings.ci
    names = ("k8s_grace_period", "timeout", "readiness_timeout")
    ci = spec.ci.model_copy(update={n: value for n in names if (value := getattr(said, n)) is not None})
    return spec.model_copy(update={"ci": ci, "limits": said.limits.over(spec.limits)})
