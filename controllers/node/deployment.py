"""Deployment: brings its Pods to the newest template, a ReplicaSet for each template, step by step."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from upright.controllers.node.replica_sets_of import (
    adopted,
    made_for,
    next_revision,
    renewed,
    resized,
    split,
    strays,
)
from upright.controllers.node.replicas import controller_of
from upright.controllers.node.rollout import DESIRED, REVISION, Sizes, proportional, rolling, surplus_history
from upright.controllers.node.rollout_status import (
    CREATED,
    FOUND,
    NEW_AVAILABLE,
    TIMED_OUT,
    complete,
    counted,
    deadline,
    progressing,
    set_condition,
    with_availability,
    with_failure,
    with_pause,
    with_progress,
)
from upright.controllers.runtime.controller import Controller, Outcome
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.apps_v1.replica_set import ReplicaSet
from upright.openapi.core_v1.condition import find_condition
from upright.openapi.core_v1.pod import Pod
from upright.openapi.errors import AlreadyExists, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.controllers.node.event_queue import EventQueue
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.apps_v1.deployment import DeploymentStatus
    from upright.openapi.core_v1.condition import Condition

COMPONENT = "deployment-controller"


class DeploymentController(Controller[Deployment]):
    """Brings Pods to the newest template; old ReplicaSets stay, empty, for ``kubectl rollout undo``."""

    kind = Deployment
    owns = (ReplicaSet,)
    reads = (Pod,)

    def __init__(self, events: EventQueue) -> None:
        self._events = events

    async def reconcile(self, turn: Turn[Deployment]) -> Outcome:
        deployment = turn.obj
        new, old = split(deployment, await self._sets(turn))
        if deployment.metadata.deletion_timestamp is not None:
            return Outcome(counted(deployment, new, old))
        number = next_revision(new, old)
        if new is not None or not deployment.spec.paused:
            if deployment.metadata.annotations.get(REVISION) != str(number):
                await self._number(turn, number)
                return Outcome()
            new = await self._renew(deployment, new, number)
        return await self._step(turn, new, old)

    async def _step(self, turn: Turn[Deployment], new: ReplicaSet | None, old: list[ReplicaSet]) -> Outcome:
        deployment, conditions = turn.obj, turn.obj.status.conditions
        said: Condition | None = None
        if deployment.spec.paused or _rescaled(deployment, [one for one in (new, *old) if one]):
            await self._resize(deployment, new, old, proportional(deployment, new, old), note=True)
        elif deployment.spec.strategy.type == "Recreate" and self._holds_on(old):
            await self._resize(deployment, new, old, {one.name: 0 for one in old if one.spec.replicas})
        elif new is None:
            try:
                new = await self._create(turn, old)
            except AlreadyExists:
                return self._collided(turn)
            said = progressing("True", CREATED, f'Created new replica set "{new.name}"')
        else:
            if find_condition(conditions, "Progressing") is None:
                said = progressing("True", FOUND, f'Found new replica set "{new.name}"')
            await self._resize(deployment, new, old, rolling(deployment, new, old))
        new, old = split(deployment, self._owned(turn))
        if said is not None:
            conditions = set_condition(conditions, said, turn.now)
        return await self._report(turn, new, old, conditions)

    async def _report(
        self, turn: Turn[Deployment], new: ReplicaSet | None, old: list[ReplicaSet], conditions: tuple[Condition, ...]
    ) -> Outcome:
        deployment, now = turn.obj, turn.now
        status = counted(deployment, new, old).model_copy(
            update={"conditions": with_pause(deployment, conditions, now)}
        )
        status = with_availability(deployment, status, now)
        status = with_progress(deployment, new, status, now)
        status = with_failure(status, [one for one in (new, *old) if one], now)
        if complete(deployment, status):
            await self._forget(turn, old)
        return Outcome(status, _later(turn, status))

    def _owned(self, turn: Turn[Deployment]) -> list[ReplicaSet]:
        uid = turn.obj.metadata.uid
        owned = ((one, controller_of(one)) for one in turn.owned(ReplicaSet))
        return [one for one, owner in owned if owner is not None and owner.uid == uid]

    async def _sets(self, turn: Turn[Deployment]) -> list[ReplicaSet]:
        mirror = self.caches.of(ReplicaSet)
        for stray in strays(turn.obj, turn.all(ReplicaSet)):
            mirror.observe(await turn.client.update(adopted(turn.obj, stray)))
        return self._owned(turn)

    async def _number(self, turn: Turn[Deployment], number: int) -> None:
        patch = {"metadata": {"annotations": {REVISION: str(number)}}}
        self.caches.of(Deployment).observe(await turn.client.patch(turn.obj, patch))

    async def _renew(self, deployment: Deployment, new: ReplicaSet | None, number: int) -> ReplicaSet | None:
        if new is None or (wanted := renewed(deployment, new, number)) == new:
            return new
        return await self._write(wanted)

    async def _write(self, replica_set: ReplicaSet) -> ReplicaSet:
        written = await self.caches.client.update(replica_set)
        self.caches.of(ReplicaSet).observe(written)
        return written

    async def _create(self, turn: Turn[Deployment], old: Sequence[ReplicaSet]) -> ReplicaSet:
        number = int(turn.obj.metadata.annotations[REVISION])
        made = await turn.client.create(made_for(turn.obj, old, number))
        self.caches.of(ReplicaSet).observe(made)
        self._tell(turn.obj, made, 0, made.spec.replicas)
        return made

    def _collided(self, turn: Turn[Deployment]) -> Outcome:
        """Choose another name next time, unless the ReplicaSet is our own and only not seen yet."""
        wanted = made_for(turn.obj, (), 0)
        there = turn.get(ReplicaSet, wanted.name, wanted.metadata.namespace)
        owner = controller_of(there) if there else None
        if there is None or (owner is not None and owner.uid == turn.obj.metadata.uid):
            raise Conflict(f"ReplicaSet {wanted.name} is being written")
        count = (turn.obj.status.collision_count or 0) + 1
        return Outcome(turn.obj.status.model_copy(update={"collision_count": count}))

    def _holds_on(self, old: Sequence[ReplicaSet]) -> bool:
        """Whether Pods of old templates run or are still ending."""
        return any(
            one.spec.replicas
            or one.status.replicas
            or any(not pod.finished for pod in self.caches.of(Pod).owned_by(one.metadata.uid))
            for one in old
        )

    async def _resize(
        self,
        deployment: Deployment,
        new: ReplicaSet | None,
        old: Sequence[ReplicaSet],
        sizes: Sizes,
        *,
        note: bool = False,
    ) -> None:
        """Resize the ReplicaSets; ``note``: note the Deployment's replicas on the others that have some, too."""
        for one in (new, *old):
            if one is None:
                continue
            size = sizes.get(one.name, one.spec.replicas)
            wanted = resized(deployment, one, size)
            if size != one.spec.replicas:
                await self._write(wanted)
                self._tell(deployment, one, one.spec.replicas, size)
            elif note and size and wanted != one:
                await self._write(wanted)

    def _tell(self, deployment: Deployment, replica_set: ReplicaSet, before: int, after: int) -> None:
        way = "up" if after >= before else "down"
        message = f"Scaled {way} replica set {replica_set.name} from {before} to {after}"
        self._events.tell(deployment, "Normal", "ScalingReplicaSet", message)

    async def _forget(self, turn: Turn[Deployment], old: Sequence[ReplicaSet]) -> None:
        for one in surplus_history(turn.obj, old):
            meta = one.metadata
            with suppress(NotFound):
                await turn.client.delete(ReplicaSet, meta.name, namespace=meta.namespace, uid=meta.uid)


def _rescaled(deployment: Deployment, sets: Sequence[ReplicaSet]) -> bool:
    """Whether the Deployment's replicas changed since its ReplicaSets were sized."""
    notes = (one.metadata.annotations.get(DESIRED) for one in sets if one.spec.replicas > 0)
    return any(note is not None and note != str(deployment.spec.replicas) for note in notes)


def _later(turn: Turn[Deployment], status: DeploymentStatus) -> float | None:
    """Return when the rollout's time is over, in seconds; None if it is over or nothing is under way."""
    current = find_condition(status.conditions, "Progressing")
    if current is None or current.reason in {NEW_AVAILABLE, TIMED_OUT} or turn.obj.spec.paused:
        return None
    until = deadline(turn.obj, current)
    return max((until - turn.now).total_seconds(), 0.0) + 0.01 if until is not None else None
