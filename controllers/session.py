"""The Session controller: gathers all targets and failures, and says the verdict."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import anyio

from upright.controllers.judge import Judge
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.session_decision import SessionSeen
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.extension import Extension
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery
from upright.openapi.v1alpha1.resource import TILTFILE, Resource
from upright.openapi.v1alpha1.session import Session, Target, Verdict
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

    def __init__(self, pid: int, args: Sequence[str] = (), judge: Judge | None = None) -> None:
        self._pid = pid
        self._judge = judge or Judge()
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
            return Outcome(self._judge.interrupted(session, ended))
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
        tiltfile = turn.get(Tiltfile, TILTFILE)
        state = tiltfile.status if tiltfile is not None else None
        beside, broken = _extensions(turn, state)
        seen = SessionSeen(
            turn.obj,
            turn.now,
            self._pid,
            state,
            beside,
            broken,
            tuple(sorted(turn.all(Resource), key=lambda r: r.name)),
            _unreached(turn.all(Cluster)),
            min((at for d in turn.all(KubernetesDiscovery) if (at := d.status.sight_lost_at)), default=None),
        )
        status, look_again = self._judge.session(seen)
        return Outcome(status, max((look_again - turn.now) / timedelta(seconds=1), 0.001) if look_again else None)

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


def _unreached(clusters: Iterable[Cluster]) -> dict[str, str]:
    """Return by Cluster why it was never reached; of one that was and is unwell the watches tell."""
    return {one.name: one.status.error for one in clusters if one.status.error and one.status.connected_at is None}


def _moves(target: Target) -> bool:
    state = target.state
    return state.waiting is not None or (state.active is not None and not state.active.ready)


def _extensions(turn: Turn[Session], state: TiltfileStatus | None) -> tuple[tuple[TiltfileStatus | None, ...], str]:
    """Return how far the Tiltfiles are that are executed beside the main one (None: not begun), and what is wrong."""
    names = state.extensions if state is not None else ()
    beside = tuple(found.status if (found := turn.get(Tiltfile, name)) is not None else None for name in names)
    for name, one in zip(names, beside, strict=True):
        extension = turn.get(Extension, name)
        error = one.terminated.error if one is not None and one.terminated is not None else ""
        error = (extension.status.error if extension is not None else "") or error
        if error:
            return beside, f"extension {name}: {error}"
    return beside, ""
