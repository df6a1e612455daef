"""Volume claims that nobody can bind: their storage class is not there, which only an event tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.verdict import workloads
from upright.controllers.verdict.finding import Finding
from upright.controllers.verdict.pod_view import MOST_EVENTS, told
from upright.controllers.verdict.pods import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from upright.controllers.verdict.budgets import Budgets
    from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject
    from upright.openapi.v1alpha1.kubernetes_discovery import ObservedEvent, ObservedObject


def findings(
    applied: AppliedObject,
    seen: ObservedObject,
    events: Sequence[ObservedEvent],
    budgets: Budgets,
    *,
    busy: bool = False,
) -> Iterator[Finding]:
    """Yield that the claim's storage class is missing, counted from the first look that found it."""
    if (workloads.group_of(applied), applied.kind) != ("", "PersistentVolumeClaim") or not events:
        return
    last = events[-1]
    pending = seen.status.get("phase", "Pending") == "Pending"
    if pending and last.reason == "ProvisioningFailed" and MISSING.search(last.message):
        yield Finding(
            "missing-reference",
            (f"{seen.kind}/{seen.name}",),
            f"cannot be bound: {' '.join(last.message.split())}",
            tolerance=budgets.missing_ref_timeout,
            held=busy,
            events=tuple(told(one) for one in events if one.type == "Warning")[-MOST_EVENTS:],
        )
