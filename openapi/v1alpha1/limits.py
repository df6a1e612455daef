"""Budgets and time limits: how much trouble is tolerated, and for how long. ``verdicts`` in the documentation explains each."""

from __future__ import annotations

from upright.openapi.meta import Duration, Model


class Limits(Model):
    """What is None falls back: resource → session → default (DEFAULTS)."""

    crash_budget: int | None = None
    stable_for: Duration | None = None
    missing_ref_timeout: Duration | None = None
    unschedulable_timeout: Duration | None = None
    pods_timeout: Duration | None = None
    sight_timeout: Duration | None = None
    build_timeout: Duration | None = None
    push_timeout: Duration | None = None
    apply_timeout: Duration | None = None
    schedule_timeout: Duration | None = None
    pull_timeout: Duration | None = None
    start_timeout: Duration | None = None
    ready_timeout: Duration | None = None
    timeout: Duration | None = None

    def over(self, below: Limits) -> Limits:
        """Return these limits with what they leave open taken from ``below``."""
        return below.model_copy(
            update={name: value for name in LIMIT_NAMES if (value := getattr(self, name)) is not None}
        )


LIMIT_NAMES: tuple[str, ...] = tuple(Limits.model_fields)
