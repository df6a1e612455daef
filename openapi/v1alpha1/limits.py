"""Budgets and time limits: how much trouble is tolerated, and for how long. ``verdicts`` in the documentation explains each."""

from __future__ import annotations

from upright.openapi.meta import Duration, Model


class Limits(Model):
    """What is null is as the session has it, and what is null there as it is by default."""

    crash_budget: int | None = None
    """How many crashes of a container are tolerated."""
    stable_for: Duration | None = None
    """How long what is ready must stay ready before it counts as healthy."""
    missing_ref_timeout: Duration | None = None
    """How long something that a pod refers to (a Secret, a ConfigMap, …) may be missing."""
    unschedulable_timeout: Duration | None = None
    """How long the cluster may find no node for a pod."""
    pods_timeout: Duration | None = None
    """How long a workload may take to make its pods."""
    sight_timeout: Duration | None = None
    """How long the cluster may be out of sight."""
    build_timeout: Duration | None = None
    """How long the build of an image may take."""
    push_timeout: Duration | None = None
    """How long its way to the cluster may take."""
    apply_timeout: Duration | None = None
    """How long an apply may take."""
    schedule_timeout: Duration | None = None
    """How long a pod may take to get a node."""
    pull_timeout: Duration | None = None
    """How long the pull of an image may take."""
    start_timeout: Duration | None = None
    """How long a container may take from its image to running."""
    ready_timeout: Duration | None = None
    """How long it may take from running to ready."""
    timeout: Duration | None = None
    """How long the whole resource, or the whole run, may take."""

    def over(self, below: Limits) -> Limits:
        """Return these limits with what they leave open taken from ``below``."""
        return below.model_copy(
            update={name: value for name in LIMIT_NAMES if (value := getattr(self, name)) is not None}
        )


LIMIT_NAMES: tuple[str, ...] = tuple(Limits.model_fields)
