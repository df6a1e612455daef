"""The status of the resource that stands for the Tiltfile itself; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.v1alpha1.resource import BuildRecord, BuildRunning, ResourceStatus
from upright.openapi.v1alpha1.triggers import Condition

if TYPE_CHECKING:
    from datetime import datetime

    from upright.openapi.v1alpha1.tiltfile import TiltfileStatus


def tiltfile_status(tiltfile: TiltfileStatus, span: str) -> ResourceStatus:
    """Return what the Tiltfile's execution means as a resource: an update, and nothing that runs."""
    if tiltfile.running is not None:
        running = BuildRunning(start_time=tiltfile.running.started_at, span_id=span)
        return ResourceStatus(update_status="in_progress", runtime_status="not_applicable", current_build=running)
    ended = tiltfile.terminated
    if ended is None:
        return ResourceStatus(update_status="pending", runtime_status="not_applicable")
    record = BuildRecord(error=ended.error, start_time=ended.started_at, finish_time=ended.finished_at, span_id=span)
    return ResourceStatus(
        update_status="error" if ended.error else "ok",
        runtime_status="not_applicable",
        last_deploy_time=ended.finished_at,
        build_history=(record,),
        ever_ready=not ended.error,
        conditions=_conditions(ended.error == "", ended.finished_at),
    )


def _conditions(well: bool, since: datetime | None) -> tuple[Condition, ...]:
    word, reason = ("True", "") if well else ("False", "UpdateError")
    return tuple(
        Condition(type=kind, status=word, last_transition_time=since, reason=reason) for kind in ("UpToDate", "Ready")
    )
