"""How many replicas each ReplicaSet of a Deployment gets next: pure functions, Kubernetes' arithmetic."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.openapi.apps_v1.deployment import Deployment
    from upright.openapi.apps_v1.replica_set import ReplicaSet

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


class Limits(Struct, frozen=True):
    """By how many Pods a rollout may be over and under the replicas."""

    surge: int
    unavailable: int


def limits(deployment: Deployment) -> Limits:
    """Return the strategy's limits in Pods: shares of surge rounded up, of unavailable down, never both zero."""
    rolling = deployment.spec.strategy.rolling_update
    if deployment.spec.strategy.type != "RollingUpdate" or rolling is None:
        return Limits(0, 0)
    replicas = deployment.spec.replicas
    surge = _pods(rolling.max_surge, replicas, up=True)
    unavailable = min(_pods(rolling.max_unavailable, replicas, up=False), replicas)
    return Limits(surge, unavailable or (0 if surge else 1))


def _pods(amount: int | str, replicas: int, *, up: bool) -> int:
    if isinstance(amount, int):
        return amount
    share = int(amount.removesuffix("%")) * replicas / 100
    return math.ceil(share) if up else math.floor(share)


Sizes = dict[str, int]
"""The replicas that ReplicaSets get, by name; one that stays as it is, is left out."""


def new_replicas(deployment: Deployment, present: Iterable[ReplicaSet], current: int) -> int:
    """Return the replicas that the newest ReplicaSet, which has ``current``, may have beside those present."""
    wanted = deployment.spec.replicas
    if deployment.spec.strategy.type != "RollingUpdate":
        return wanted
    room = wanted + limits(deployment).surge - total(present)
    return current + max(0, min(room, wanted - current))


def total(sets: Iterable[ReplicaSet]) -> int:
    """Return the replicas wanted of all."""
    return sum(one.spec.replicas for one in sets)


def available(sets: Iterable[ReplicaSet]) -> int:
    """Return the replicas that are available of all."""
    return sum(one.status.available_replicas for one in sets)


def rolling(deployment: Deployment, new: ReplicaSet, old: Sequence[ReplicaSet]) -> Sizes:
    """Return the next step of a rolling update: first room for the new is used, then the old give way."""
    wanted = deployment.spec.replicas
    if new.spec.replicas > wanted:
        return {new.name: wanted}
    grown = new_replicas(deployment, [new, *old], new.spec.replicas)
    if grown != new.spec.replicas:
        return {new.name: grown}
    return _shrink(deployment, new, old)


def _shrink(deployment: Deployment, new: ReplicaSet, old: Sequence[ReplicaSet]) -> Sizes:
    least = deployment.spec.replicas - limits(deployment).unavailable
    not_there_yet = new.spec.replicas - new.status.available_replicas
    spare = total([new, *old]) - least - not_there_yet
    if spare <= 0 or not total(old):
        return {}
    oldest_first = sorted(old, key=_age)
    sizes = {one.name: one.spec.replicas for one in oldest_first}
    for one in oldest_first:  # what is broken anyway goes first
        broken = min(spare, max(0, sizes[one.name] - one.status.available_replicas))
        sizes[one.name] -= broken
        spare -= broken
    spare = min(available([new, *old]) - least, spare)
    for one in oldest_first:
        part = min(sizes[one.name], max(0, spare))
        sizes[one.name] -= part
        spare -= part
    return {one.name: sizes[one.name] for one in old if sizes[one.name] != one.spec.replicas}


def _age(replica_set: ReplicaSet) -> tuple[str, str]:
    created = replica_set.metadata.creation_timestamp
    return (created.isoformat() if created else "", replica_set.name)


def proportional(deployment: Deployment, new: ReplicaSet | None, old: Sequence[ReplicaSet]) -> Sizes:
    """Return the sizes after the Deployment's replicas changed, in the middle of a rollout or outside of one."""
    wanted = deployment.spec.replicas
    sets = [one for one in (new, *old) if one is not None]
    active = [one for one in sets if one.spec.replicas > 0]
    latest = active[0] if len(active) == 1 else new if not active else None
    if latest is not None:
        return {latest.name: wanted} if latest.spec.replicas != wanted else {}
    if new is not None and _saturated(new, wanted):
        return {one.name: 0 for one in old if one.spec.replicas}
    if deployment.spec.strategy.type != "RollingUpdate":
        return {}
    return _shared_out(active, wanted + limits(deployment).surge if wanted else 0, wanted)


def _saturated(new: ReplicaSet, wanted: int) -> bool:
    desired = new.metadata.annotations.get(DESIRED)
    return new.spec.replicas == wanted == new.status.available_replicas and desired == str(wanted)


def _shared_out(active: Sequence[ReplicaSet], allowed: int, wanted: int) -> Sizes:
    """Share what is to be added or taken among the ReplicaSets, each by its size; the largest takes what is left."""
    change = allowed - total(active)
    by_size = sorted(active, key=lambda one: (-one.spec.replicas, _age(one)), reverse=False)
    left = change
    sizes: Sizes = {}
    for one in by_size:
        part = _share(one, allowed, wanted)
        part = min(part, left) if change > 0 else max(part, left)
        sizes[one.name] = one.spec.replicas + part
        left -= part
    if by_size and left:
        first = by_size[0].name
        sizes[first] = max(0, sizes[first] + left)
    return {one.name: sizes[one.name] for one in active if sizes[one.name] != one.spec.replicas}


def _share(one: ReplicaSet, allowed: int, wanted: int) -> int:
    if not wanted:
        return -one.spec.replicas
    before = int(one.metadata.annotations.get(MAXIMUM) or 0) or wanted
    return round(one.spec.replicas * allowed / before) - one.spec.replicas


def surplus_history(deployment: Deployment, old: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """Return the old ReplicaSets that the history limit no longer keeps; one that has Pods is kept."""
    idle = [
        one
        for one in sorted(old, key=lambda one: (revision(one), _age(one)))
        if not one.status.replicas
        and not one.spec.replicas
        and one.metadata.generation <= one.status.observed_generation
        and one.metadata.deletion_timestamp is None
    ]
    return idle[: max(0, len(idle) - deployment.spec.revision_history_limit)]


def revision(replica_set: ReplicaSet) -> int:
    """Return the ReplicaSet's revision, 0 if it has none."""
    text = replica_set.metadata.annotations.get(REVISION, "")
    return int(text) if text.isdigit() else 0
