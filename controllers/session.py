"""The Session controller: gathers all targets and failures, and says the verdict."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import anyio

from upright.controllers.clusters import DEFAULT_CLUSTER, DOCKER_CLUSTER
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.verdict.session import Observed, decide, with_grace
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.extension import Extension
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery
from upright.openapi.v1alpha1.resource import TILTFILE, Resource
from upright.openapi.v1alpha1.session import (
    Session,
    SessionSpec,
    SessionStatus,
    Target,
    TargetActive,
    TargetState,
    TargetTerminated,
    TargetWaiting,
    Verdict,
)
from upright.openapi.v1alpha1.tiltfile import Tiltfile, TiltfileSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.tiltfile import TiltfileStatus

WRITE_EVERY_SECONDS = 0.2
WRITE_SECONDS_PER_TARGET = 0.001
"""A status with many targets is written more seldom: saying how the run goes must not hold it up."""


class SessionController(Controller[Session]):
    """Owns the Tiltfile and says the verdict; ``args`` are the Tiltfile's, ``pid`` and ``started`` of this process."""

    kind: ClassVar[type[Object]] = Session
    heeds_status: ClassVar[bool] = False
    gives_up_after: ClassVar[int] = 5
    owns: ClassVar[tuple[type[Object], ...]] = (Tiltfile,)
    workers: ClassVar[int] = 1

    def __init__(self, pid: int, args: Sequence[str] = ()) -> None:
        self._pid = pid
        self._args = tuple(args)
        self._written = float("-inf")
        self._moving: set[str] = set()
        self._failed: set[str] = set()
        self._blind: set[str] = set()
        self._interruption: Verdict | None = None

    @property
    def interrupted(self) -> bool:
        """Whether somebody asked for the end."""
        return self._interruption is not None

    def interrupt(self, signal: str, exit_code: int) -> None:
        """End all Sessions now, undecided: the process was told to go."""
        if self._interruption is None:
            self._interruption = Verdict(state="interrupted", reason=f"interrupted by {signal}", exit_code=exit_code)
        if hasattr(self, "caches"):  # else nothing has begun, and the first reconcile will see it
            for key in self._sessions():
                self.wake(key)

    def watches(self) -> Iterable[Watch]:
        yield Watch(Resource, self._resource_seen)
        yield Watch(Cluster, lambda _: self._sessions())
        yield Watch(Tiltfile, lambda _: self._sessions())
        yield Watch(Extension, lambda _: self._sessions())
        yield Watch(KubernetesDiscovery, self._sight_seen)

    async def reconcile(self, turn: Turn[Session]) -> Outcome:
        session = turn.obj
        if session.status.done:
            return Outcome()
        if self._interruption is not None:
            ended = self._interruption.model_copy(update={"time": turn.now})
            told = {"done": True, "error": ended.reason, "verdict": ended}
            return Outcome(session.status.model_copy(update=told))
        await turn.apply([self._tiltfile(session)])
        pause = WRITE_EVERY_SECONDS + WRITE_SECONDS_PER_TARGET * len(session.status.targets)
        wait = self._written + pause - anyio.current_time()
        if wait > 0 and self._moving and not self._failed:
            return Outcome(after=wait)
        self._written = anyio.current_time()
        return self._decide(turn)

    def _tiltfile(self, session: Session) -> Tiltfile:
        spec = TiltfileSpec(path=session.spec.tiltfile_path, args=self._args)
        return Tiltfile(metadata=ObjectMeta(name=TILTFILE), spec=spec)

    def _decide(self, turn: Turn[Session]) -> Outcome:
        session, tiltfile = turn.obj, turn.get(Tiltfile, TILTFILE)
        resources = sorted(turn.all(Resource), key=lambda r: r.name)
        state = tiltfile.status if tiltfile is not None else None
        targets = [t for r in resources for t in r.status.targets]
        targets.append(_tiltfile_target(state))
        targets.sort(key=lambda target: target.name)
        started = session.status.start_time or turn.now
        ended = state.terminated if state is not None else None
        beside, broken = _extensions(turn, state)
        needed = {name for r in resources if r.spec.auto_init for name in _clusters_of(r)}
        trouble = [
            one.status.error  # of one that was reached and is unwell the watches tell
            for one in turn.all(Cluster)
            if one.name in needed and one.status.error and one.status.connected_at is None
        ]
        seen = Observed(
            targets=targets,
            failures=[failure for r in resources for failure in r.status.failures],
            started=started,
            tiltfile_error=(ended.error if ended else "") or broken,
            wrong_usage=ended is not None and ended.wrong_usage,
            tiltfile_done=all(_all_there(resources, one) for one in (state, *beside)),
            cluster_error=next(iter(trouble), ""),
            cluster_needed=bool(needed),
            deployed_at={r.name: at for r in resources if (at := r.status.last_deploy_time)},
            held_back=_held_back(resources),
            sight_lost_at=min(
                (at for d in turn.all(KubernetesDiscovery) if (at := d.status.sight_lost_at)), default=None
            ),
        )
        spec = _effective(session.spec, state)
        decision = decide(spec, seen, turn.now)
        done = decision.done and session.spec.exit_condition == "ci"
        status = SessionStatus(
            pid=session.status.pid or self._pid,
            start_time=started,
            targets=with_grace(targets, decision.grace),
            done=done,
            error=(seen.tiltfile_error or decision.reason) if done and decision.state != "healthy" else "",
            verdict=Verdict(
                state=decision.state,  # type: ignore[arg-type]  # decide returns the verdict's words
                reason=decision.reason,
                exit_code=decision.exit_code,
                time=turn.now,
            )
            if done
            else Verdict(),
            failures=decision.failures,
        )
        after = max((decision.after - turn.now) / timedelta(seconds=1), 0.001) if decision.after else None
        return Outcome(status, after)

    def _resource_seen(self, obj: Object) -> Iterable[Key]:
        """Keep count of what still moves, so that not each change has all targets gathered anew."""
        if isinstance(obj, Resource):
            unsettled = not obj.status.targets or any(_moves(target) for target in obj.status.targets)
            (self._moving.add if unsettled and obj.spec.kind != "tiltfile" else self._moving.discard)(obj.name)
            (self._failed.add if obj.status.failures else self._failed.discard)(obj.name)
        return self._sessions()

    def _sight_seen(self, obj: Object) -> Iterable[Key]:
        """Hear of the cluster only when sight of it is lost or found."""
        if not isinstance(obj, KubernetesDiscovery):
            return ()
        blind = obj.status.sight_lost_at is not None and obj.metadata.deletion_timestamp is None
        if blind == (obj.name in self._blind):
            return ()
        (self._blind.add if blind else self._blind.discard)(obj.name)
        return self._sessions()

    def _sessions(self) -> Iterable[Key]:
        return [Key("", session.name) for session in self.caches.of(Session).all()]


def _clusters_of(resource: Resource) -> Iterable[str]:
    """Yield the Clusters that the resource cannot do without, the container engine among them."""
    if resource.spec.kind == "kubernetes":
        yield DEFAULT_CLUSTER
    if resource.spec.needs_engine:
        yield DOCKER_CLUSTER


def _moves(target: Target) -> bool:
    state = target.state
    return state.waiting is not None or (state.active is not None and not state.active.ready)


def _all_there(resources: Sequence[Resource], state: TiltfileStatus | None) -> bool:
    """Whether every resource that the Tiltfile described is there and has said how it is."""
    if state is None or state.terminated is None:
        return False
    known = {r.name for r in resources if r.status.update_status}
    return known.issuperset(state.resources)


def _extensions(turn: Turn[Session], state: TiltfileStatus | None) -> tuple[list[TiltfileStatus | None], str]:
    """Return how far the Tiltfiles are that are executed beside the main one (None: not begun), and what is wrong."""
    names = state.extensions if state is not None else ()
    beside = [found.status if (found := turn.get(Tiltfile, name)) is not None else None for name in names]
    for name, one in zip(names, beside, strict=True):
        extension = turn.get(Extension, name)
        error = one.terminated.error if one is not None and one.terminated is not None else ""
        error = (extension.status.error if extension is not None else "") or error
        if error:
            return beside, f"extension {name}: {error}"
    return beside, ""


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
