"""Condition: what is True, False or Unknown of an object, since when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.meta import Model, Time, omit

if TYPE_CHECKING:
    from datetime import datetime


class Condition(Model):
    """One condition as workloads have it; ``lastUpdateTime`` is a Deployment's, ``lastProbeTime`` a Job's."""

    type: str
    status: str
    last_probe_time: Time | None = None
    last_update_time: Time | None = None
    last_transition_time: Time | None = None
    reason: str = omit("")
    message: str = omit("")


def find_condition(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """Return the condition of the type, if it is there."""
    return next((one for one in conditions if one.type == kind), None)


def with_condition(conditions: tuple[Condition, ...], new: Condition, now: datetime) -> tuple[Condition, ...]:
    """Return the conditions with the new one in its place; its transition time moves only if its status does.

    What says the same as before is left as it is.
    """
    old = find_condition(conditions, new.type)
    if old is not None and (old.status, old.reason, old.message) == (new.status, new.reason, new.message):
        return conditions
    since = old.last_transition_time if old is not None and old.status == new.status else now
    dated = new.model_copy(update={"last_transition_time": since})
    if old is None:
        return (*conditions, dated)
    return tuple(dated if one.type == new.type else one for one in conditions)
