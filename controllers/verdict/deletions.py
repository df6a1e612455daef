"""Applied objects that somebody else deleted before they had done what they are for: they cannot become healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.verdict import workloads
from upright.controllers.verdict.custom_resources import is_custom
from upright.controllers.verdict.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.controllers.verdict.budgets import Budgets
    from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject
    from upright.openapi.v1alpha1.kubernetes_discovery import ObservedObject


def findings(
    applied: AppliedObject, seen: ObservedObject | None, budgets: Budgets, *, updating: bool
) -> Iterator[Finding]:
    """Yield that the object was deleted, or is being deleted; ``updating``: this run may be making it anew.

    What controllers do with custom resources that are theirs is not known.
    """
    if seen is None or seen.uid != applied.uid or is_custom(workloads.group_of(applied)):
        return
    if not (seen.deleted_at or seen.deleting) or workloads.readiness(applied, seen).ready:
        return
    what = "was deleted" if seen.deleted_at else "is being deleted"
    yield Finding(
        "deleted",
        (f"{seen.kind}/{seen.name}",),
        f"it {what} after it was applied, and not by this run",
        seen.deleted_at,
        budgets.missing_ref_timeout,
        held=updating,
    )
