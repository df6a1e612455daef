"""A Job that has no retry left: its pods tell it before the Job's controller writes the condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.verdict.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from upright.openapi.v1alpha1.kubernetes_discovery import ObservedObject, Pod

DEFAULT_BACKOFF_LIMIT = 6
_OTHER_COUNTS = ("podFailurePolicy", "backoffLimitPerIndex", "successPolicy", "activeDeadlineSeconds")
"""With any of these in its spec, more than the number of failed pods decides: its condition is waited for."""

JOB_SPEC_READ = ("backoffLimit", *_OTHER_COUNTS)
"""The fields of a Job's spec that are read here."""


def findings(seen: ObservedObject, pods: Sequence[Pod]) -> Iterator[Finding]:
    """Yield the Job's failure as soon as more of its pods have failed than it may try again.

    Nothing is said where its own condition says it, nor of pods that a kubelet restarts in place (OnFailure): they do not fail.
    """
    if seen.kind != "Job" or any(seen.spec.get(name) for name in _OTHER_COUNTS) or _has_ended(seen):
        return
    limit = seen.spec.get("backoffLimit")
    limit = DEFAULT_BACKOFF_LIMIT if limit is None else int(limit)
    shown = sum(1 for pod in pods if pod.ancestor_uid == seen.uid and pod.phase == "Failed")
    failed = max(shown, int(seen.status.get("failed") or 0))
    if failed > limit:
        told = "the pod failed, and" if failed == 1 else f"{failed} pods failed, and"
        yield Finding(
            "job-failed", (f"Job/{seen.name}",), f"{told} no retry is left (backoffLimit: {limit})", recoverable=False
        )


def _has_ended(seen: ObservedObject) -> bool:
    ends = {"Failed", "Complete", "SuccessCriteriaMet"}
    return any(c.get("type") in ends and c.get("status") == "True" for c in seen.status.get("conditions") or ())
