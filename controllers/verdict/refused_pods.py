"""Pods that a StatefulSet, a DaemonSet or a Job cannot create: they have no condition that tells it, only events."""

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

_TOLD_BY_EVENTS = frozenset({("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "Job")})


def findings(
    applied: AppliedObject,
    seen: ObservedObject,
    events: Sequence[ObservedEvent],
    budgets: Budgets,
    *,
    busy: bool = False,
) -> Iterator[Finding]:
    """Yield the refusal that the newest of the object's events tells; one that succeeded since then ends it.

    Its time counts from the first look that found it: the cluster dates a repeated event anew each time.
    """
    if (workloads.group_of(applied), applied.kind) not in _TOLD_BY_EVENTS:
        return
    if not events or events[-1].reason != "FailedCreate" or workloads.readiness(applied, seen).ready:
        return
    said = " ".join(events[-1].message.split())
    yield Finding(
        "pods-refused",
        (f"{seen.kind}/{seen.name}",),
        f"cannot create pods: {said}",
        tolerance=budgets.pods_timeout,
        held=busy and bool(MISSING.search(said)),
        events=tuple(told(one) for one in events if one.type == "Warning")[-MOST_EVENTS:],
    )
