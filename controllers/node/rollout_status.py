"""What a Deployment's status says: counts, and whether it progresses, is available, or has run out of time. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from upright.controllers.node.rollout import available, limits, total
from upright.openapi.apps_v1.deployment import DeploymentStatus
from upright.openapi.core_v1.condition import Condition, find_condition

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from upright.openapi.apps_v1.deployment import Deployment
    from upright.openapi.apps_v1.replica_set import ReplicaSet

NEW_AVAILABLE = "NewReplicaSetAvailable"
UPDATED = "ReplicaSetUpdated"
CREATED = "NewReplicaSetCreated"
FOUND = "FoundNewReplicaSet"
TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"
Conditions = tuple[Condition, ...]


def counted(deployment: Deployment, new: ReplicaSet | None, old: Sequence[ReplicaSet]) -> DeploymentStatus:
    """Return the counts of the status, with the conditions it had."""
    sets = [one for one in (new, *old) if one is not None]
    ready = available(sets)
    return DeploymentStatus(
        observed_generation=deployment.metadata.generation,
        replicas=sum(one.status.replicas for one in sets),
        updated_replicas=new.status.replicas if new else 0,
        ready_replicas=sum(one.status.ready_replicas for one in sets),
        available_replicas=ready,
        unavailable_replicas=max(0, total(sets) - ready),
        terminating_replicas=sum(one.status.terminating_replicas for one in sets),
        conditions=deployment.status.conditions,
        collision_count=deployment.status.collision_count,
    )


def complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """Whether all replicas are of the newest template and available, and no others are left."""
    wanted = deployment.spec.replicas
    return status.updated_replicas == status.replicas == status.available_replicas == wanted


def set_condition(conditions: Conditions, new: Condition, now: datetime) -> Conditions:
    """Return the conditions with the new one, as Kubernetes does: same status and reason, and the old one stays."""
    old = find_condition(conditions, new.type)
    if old is not None and (old.status, old.reason) == (new.status, new.reason):
        return conditions
    since = old.last_transition_time if old is not None and old.status == new.status else now
    dated = new.model_copy(update={"last_update_time": now, "last_transition_time": since})
    return (*(one for one in conditions if one.type != new.type), dated)


def progressing(status: str, reason: str, message: str) -> Condition:
    """Return the condition Progressing."""
    return Condition(type="Progressing", status=status, reason=reason, message=message)


def with_availability(deployment: Deployment, status: DeploymentStatus, now: datetime) -> DeploymentStatus:
    """Add the condition Available: whether as many replicas are available as must always be."""
    enough = status.available_replicas >= deployment.spec.replicas - limits(deployment).unavailable
    new = Condition(
        type="Available",
        status="True" if enough else "False",
        reason="MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        message=f"Deployment {'has' if enough else 'does not have'} minimum availability.",
    )
    return status.model_copy(update={"conditions": set_condition(status.conditions, new, now)})


def with_failure(status: DeploymentStatus, sets: Sequence[ReplicaSet], now: datetime) -> DeploymentStatus:
    """Add the condition ReplicaFailure if a ReplicaSet has it, the newest one's before the others'."""
    found = (find_condition(one.status.conditions, "ReplicaFailure") for one in sets)
    failure = next((one for one in found if one is not None), None)
    if failure is None:
        rest = tuple(one for one in status.conditions if one.type != "ReplicaFailure")
        return status.model_copy(update={"conditions": rest})
    return status.model_copy(update={"conditions": set_condition(status.conditions, failure, now)})


def with_progress(
    deployment: Deployment, new: ReplicaSet | None, status: DeploymentStatus, now: datetime
) -> DeploymentStatus:
    """Add the condition Progressing: done, under way since the last change, or out of time."""
    current = find_condition(status.conditions, "Progressing")
    settled = current is not None and current.reason == NEW_AVAILABLE and status.replicas == status.updated_replicas
    if settled or deployment.spec.paused:
        return status
    what = f'ReplicaSet "{new.name}"' if new else f'Deployment "{deployment.name}"'
    conditions = status.conditions
    if complete(deployment, status):
        done = progressing("True", NEW_AVAILABLE, f"{what} has successfully progressed.")
        conditions = set_condition(conditions, done, now)
    elif _moved(deployment.status, status):
        conditions = _under_way(conditions, current, f"{what} is progressing.", now)
    elif out_of_time(deployment, current, now):
        late = progressing("False", TIMED_OUT, f"{what} has timed out progressing.")
        conditions = set_condition(conditions, late, now)
    return status.model_copy(update={"conditions": conditions})


def _under_way(conditions: Conditions, current: Condition | None, message: str, now: datetime) -> Conditions:
    """Say that it progresses, as of now: each step gives the rollout its whole time again."""
    since = current.last_transition_time if current is not None and current.status == "True" else now
    step = progressing("True", UPDATED, message).model_copy(
        update={"last_update_time": now, "last_transition_time": since}
    )
    return (*(one for one in conditions if one.type != "Progressing"), step)


def _moved(old: DeploymentStatus, new: DeploymentStatus) -> bool:
    return (
        new.updated_replicas > old.updated_replicas
        or new.replicas - new.updated_replicas < old.replicas - old.updated_replicas
        or new.ready_replicas > old.ready_replicas
        or new.available_replicas > old.available_replicas
    )


def deadline(deployment: Deployment, current: Condition | None) -> datetime | None:
    """Return when a rollout that does not move is out of time; None if it is over, or was never begun."""
    if current is None or current.last_update_time is None or current.reason == NEW_AVAILABLE:
        return None
    return current.last_update_time + timedelta(seconds=deployment.spec.progress_deadline_seconds)


def out_of_time(deployment: Deployment, current: Condition | None, now: datetime) -> bool:
    """Whether the rollout has not moved for its whole time."""
    if current is not None and current.reason == TIMED_OUT:
        return True
    until = deadline(deployment, current)
    return until is not None and until <= now and not deployment.spec.paused


def with_pause(deployment: Deployment, conditions: Conditions, now: datetime) -> Conditions:
    """Say that the Deployment was paused or resumed, unless it has run out of time."""
    current = find_condition(conditions, "Progressing")
    if current is not None and current.reason == TIMED_OUT:
        return conditions
    paused = current is not None and current.reason == PAUSED
    if deployment.spec.paused and not paused:
        return set_condition(conditions, progressing("Unknown", PAUSED, "Deployment is paused"), now)
    if paused and not deployment.spec.paused:
        return set_condition(conditions, progressing("Unknown", RESUMED, "Deployment is resumed"), now)
    return conditions
