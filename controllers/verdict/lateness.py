"""Servers that do not become ready in their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.verdict.finding import Finding
from upright.openapi.meta import format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from upright.controllers.verdict.serving_pods import Wait
    from upright.openapi.v1alpha1.session import Target

READINESS_TIMEOUT = "readiness-timeout"


def lateness(
    target: Target, limit: timedelta | None, waits: Sequence[Wait], deployed_at: datetime | None = None
) -> Finding | None:
    """Return when the target is late and what it waits for; None if it is not asked to be ready.

    The time counts from when it was ready last, else from its start; where nothing was seen to start, from when it was
    deployed. Jobs may take as long as they like.
    """
    since = _begun(target, deployed_at)
    if not limit or target.type != "server" or since is None:
        return None
    first = waits[0] if waits else None
    why = f": it waits for {first.text}" if first is not None else ""
    return Finding(
        READINESS_TIMEOUT,
        first.path if first is not None else (),
        f"Readiness timeout after {format_duration(limit)}: target {target.name} not ready{why}",
        since,
        limit,
        due=since + limit,
        log_of=first.log_of if first is not None else None,
    )


def _begun(target: Target, deployed_at: datetime | None) -> datetime | None:
    active = target.state.active
    if active is None:
        return deployed_at if target.state.waiting is not None else None
    return None if active.ready else active.last_ready_time or active.start_time
