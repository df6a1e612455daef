"""What a Job does next and what its status says: pure functions of its Pods and the time, Kubernetes' rules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.openapi.batch_v1.job import JobStatus, UncountedTerminatedPods
from upright.openapi.core_v1.condition import Condition, find_condition, with_condition

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from upright.openapi.batch_v1.job import Job
    from upright.openapi.core_v1.pod import Pod

FIRST_BACKOFF_SECONDS = 10
LONGEST_BACKOFF_SECONDS = 600
_DOUBLINGS_AT_MOST = 16


class Tally(Struct, frozen=True):
    """The Job's Pods, by how they stand. ``going``: being deleted and not ended yet."""

    active: tuple[Pod, ...]
    going: tuple[Pod, ...]
    succeeded: tuple[Pod, ...]
    failed: tuple[Pod, ...]


class Plan(Struct, frozen=True):
    """How many Pods to make, which to delete, the status to have, and when to look again (seconds)."""

    status: JobStatus
    create: int = 0
    delete: tuple[Pod, ...] = ()
    after: float | None = None


def tally(pods: Sequence[Pod]) -> Tally:
    """Sort the Pods by how they stand."""
    return Tally(
        active=tuple(pod for pod in pods if pod.active),
        going=tuple(pod for pod in pods if not pod.finished and not pod.active),
        succeeded=tuple(pod for pod in pods if pod.status.phase == "Succeeded"),
        failed=tuple(pod for pod in pods if pod.status.phase == "Failed"),
    )


def plan(job: Job, pods: Sequence[Pod], now: datetime) -> Plan:
    """Return the next step. A Job that has ended stays as it is."""
    if job.ended:
        return Plan(job.status)
    seen = tally(pods)
    if job.spec.suspend:
        return _suspended(job, seen, now)
    status = _counted(job, seen)
    status = _resumed(status, now)
    if status.start_time is None:
        status = status.model_copy(update={"start_time": now})
    verdict = _verdict(job, status, seen, now)
    if verdict is not None:
        return _ending(status, seen, verdict, now)
    return _working(job, status, seen, now)


def _counted(job: Job, seen: Tally) -> JobStatus:
    """Return the counts; what has ended once stays counted though its Pod was deleted."""
    return job.status.model_copy(
        update={
            "active": len(seen.active),
            "succeeded": max(job.status.succeeded, len(seen.succeeded)),
            "failed": max(job.status.failed, len(seen.failed)),
            "terminating": len(seen.going),
            "ready": sum(1 for pod in seen.active if pod.ready),
            "uncounted_terminated_pods": UncountedTerminatedPods(),
        }
    )


def _verdict(job: Job, status: JobStatus, seen: Tally, now: datetime) -> Condition | None:
    """Return what the Job has come to: SuccessCriteriaMet or FailureTarget; None while it is under way."""
    said = next((one for one in status.conditions if one.type in {"SuccessCriteriaMet", "FailureTarget"}), None)
    if said is not None:
        return said
    spec = job.spec
    if status.failed > spec.backoff_limit or _restarted_too_often(job, seen):
        return _target("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    left = deadline_in(job, status, now)
    if left is not None and left <= 0:
        return _target("DeadlineExceeded", "Job was active longer than specified deadline")
    done = status.succeeded >= spec.completions if spec.completions is not None else _all_ended(status)
    if done:
        message = "Reached expected number of succeeded pods"
        return Condition(type="SuccessCriteriaMet", status="True", reason="CompletionsReached", message=message)
    return None


def _target(reason: str, message: str) -> Condition:
    return Condition(type="FailureTarget", status="True", reason=reason, message=message)


def _all_ended(status: JobStatus) -> bool:
    """Whether a Job without ``completions`` is done: one has succeeded, and the rest has run out."""
    return status.succeeded > 0 and status.active == 0


def _restarted_too_often(job: Job, seen: Tally) -> bool:
    if job.spec.template.spec.restart_policy != "OnFailure":
        return False
    restarts = sum(
        one.restart_count
        for pod in seen.active
        for one in (*pod.status.init_container_statuses, *pod.status.container_statuses)
    )
    return restarts > 0 if job.spec.backoff_limit == 0 else restarts >= job.spec.backoff_limit


def deadline_in(job: Job, status: JobStatus, now: datetime) -> float | None:
    """Return in how many seconds the Job is out of time; None if it has no limit."""
    limit, start = job.spec.active_deadline_seconds, status.start_time
    if limit is None or start is None:
        return None
    return (start + timedelta(seconds=limit) - now).total_seconds()


def _ending(status: JobStatus, seen: Tally, verdict: Condition, now: datetime) -> Plan:
    """Have what still runs deleted; when all is gone, say Complete or Failed."""
    conditions = with_condition(status.conditions, verdict.model_copy(update={"last_probe_time": now}), now)
    if not seen.active and not seen.going:
        good = verdict.type == "SuccessCriteriaMet"
        last = verdict.model_copy(update={"type": "Complete" if good else "Failed", "last_probe_time": now})
        conditions = with_condition(conditions, last, now)
        if good:
            status = status.model_copy(update={"completion_time": now})
    status = status.model_copy(
        update={
            "conditions": conditions,
            "active": 0,
            "ready": 0,
            "terminating": len(seen.going) + len(seen.active),
            "failed": status.failed + (len(seen.active) if verdict.type == "FailureTarget" else 0),
        }
    )
    return Plan(status, delete=seen.active)


def _working(job: Job, status: JobStatus, seen: Tally, now: datetime) -> Plan:
    wanted = _wanted(job, status)
    left = deadline_in(job, status, now)
    surplus = len(seen.active) - wanted
    if surplus > 0:
        by_worth = sorted(seen.active, key=lambda pod: (pod.ready, pod.status.phase == "Running", pod.name))
        return Plan(status, delete=tuple(by_worth[:surplus]), after=left)
    missing = wanted - len(seen.active)
    wait = backoff_in(seen, now) if missing else 0.0
    if wait > 0:
        return Plan(status, after=min(wait, left) if left is not None else wait)
    return Plan(status, create=missing, after=left)


def _wanted(job: Job, status: JobStatus) -> int:
    """Return how many Pods should be active now."""
    at_once = 1 if job.spec.parallelism is None else job.spec.parallelism
    if job.spec.completions is None:
        return min(status.active, at_once) if status.succeeded else at_once
    return min(at_once, max(0, job.spec.completions - status.succeeded))


def backoff_in(seen: Tally, now: datetime) -> float:
    """Return how many seconds to wait before the next Pod: 10 after a failure, twice as much after each further one."""
    last_success = max((ended_at(pod, now) for pod in seen.succeeded), default=None)
    failures = [ended_at(pod, now) for pod in seen.failed]
    since = [moment for moment in failures if last_success is None or moment > last_success]
    if not since:
        return 0.0
    doublings = min(len(since) - 1, _DOUBLINGS_AT_MOST)
    pause = min(FIRST_BACKOFF_SECONDS * 2**doublings, LONGEST_BACKOFF_SECONDS)
    return max(0.0, (max(since) + timedelta(seconds=pause) - now).total_seconds())


def ended_at(pod: Pod, now: datetime) -> datetime:
    """Return when the Pod's last container ended; where that is not told, its last transition, else now."""
    states = [one.state.terminated for one in (*pod.status.init_container_statuses, *pod.status.container_statuses)]
    ends = [state.finished_at for state in states if state and state.finished_at]
    if ends:
        return max(ends)
    moves = [one.last_transition_time for one in pod.status.conditions if one.last_transition_time]
    return max(moves, default=now)


def _suspended(job: Job, seen: Tally, now: datetime) -> Plan:
    status = _counted(job, seen)
    new = Condition(type="Suspended", status="True", reason="JobSuspended", message="Job suspended")
    conditions = with_condition(status.conditions, new, now)
    gone = {"conditions": conditions, "start_time": None, "active": 0, "ready": 0}
    gone["terminating"] = len(seen.going) + len(seen.active)
    return Plan(status.model_copy(update=gone), delete=seen.active)


def _resumed(status: JobStatus, now: datetime) -> JobStatus:
    old = find_condition(status.conditions, "Suspended")
    if old is None or old.status != "True":
        return status
    new = Condition(type="Suspended", status="False", reason="JobResumed", message="Job resumed")
    return status.model_copy(update={"conditions": with_condition(status.conditions, new, now)})


def expires_in(job: Job, now: datetime) -> float | None:
    """Return in how many seconds an ended Job is to be deleted; None if it stays."""
    ttl, end = job.spec.ttl_seconds_after_finished, job.ended
    if ttl is None or end is None or end.last_transition_time is None:
        return None
    return max(0.0, (end.last_transition_time + timedelta(seconds=ttl) - now).total_seconds())
