"""How long a node waits before it tries again: Kubernetes' crash and image backoff."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from upright.controllers.node.sight import ContainerSight, Problem

FIRST_SECONDS = 10.0
LONGEST_SECONDS = 300.0
RESET_SECONDS = 600.0
SETTLE_SECONDS = 1.0
"""How long an end or a failed pull is shown as itself before it is shown as a backoff (a kubelet's relist period)."""
CONFIG_RETRY_SECONDS = 10.0
PULL_REASONS = frozenset({"ErrImagePull", "ErrImageNeverPull", "InvalidImageName"})


def crash_wait(last: ContainerSight) -> float:
    """Return how many seconds after its end the container is started again.

    The first restart is immediate, then 10 s, doubling to 5 min; one that ran over 10 min starts anew.
    """
    lived = (last.ended_at - last.created).total_seconds()
    return 0.0 if lived > RESET_SECONDS else last.backoff_seconds


def next_backoff(last: ContainerSight) -> float:
    """Return the backoff that the next attempt carries."""
    return min(crash_wait(last) * 2, LONGEST_SECONDS) or FIRST_SECONDS


def restart_at(last: ContainerSight) -> datetime:
    """Return when the next attempt may start."""
    return last.ended_at + timedelta(seconds=crash_wait(last))


def retry_at(problem: Problem) -> datetime:
    """Return when what failed may be tried again."""
    return problem.at + timedelta(seconds=retry_wait(problem))


def retry_wait(problem: Problem) -> float:
    """Return how long after a failure it is tried again."""
    if problem.reason in PULL_REASONS:
        return min(FIRST_SECONDS * 2.0 ** (problem.tries - 1), LONGEST_SECONDS)
    return CONFIG_RETRY_SECONDS
