"""What a Job does next, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.controllers.node.embedded import job as job_body
from upright.controllers.node.job_plan import Plan, backoff_in, expires_in, plan, tally
from upright.openapi.batch_v1.job import Job, JobStatus
from upright.openapi.core_v1.pod import Pod

if TYPE_CHECKING:
    from upright.openapi.meta import Json

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def job(status: JobStatus | None = None, policy: str = "Never", **spec: object) -> Job:
    body = job_body("ends:1", policy, **spec)
    assert Job.definition.defaults
    Job.definition.defaults(body)
    read = Job.model_validate(body)
    return read.model_copy(update={"status": status or JobStatus(start_time=NOON)})


def pod(phase: str, ended: float = 0, *, restarts: int = 0, going: bool = False) -> Pod:
    state: Json = {"terminated": {"exitCode": 1, "finishedAt": at(ended)}} if phase in {"Failed", "Succeeded"} else {}
    meta: Json = {"name": f"{phase}-{ended}", "uid": f"{phase}-{ended}"}
    if going:
        meta["deletionTimestamp"] = NOON
    return Pod.model_validate(
        {
            "metadata": meta,
            "status": {
                "phase": phase,
                "containerStatuses": [{"name": "run", "state": state, "restartCount": restarts}],
            },
        }
    )


def said(todo: Plan) -> list[tuple[str, str]]:
    return [(one.type, one.reason) for one in todo.status.conditions if one.status == "True"]


def test_a_new_job_makes_its_pods_and_notes_its_start() -> None:
    todo = plan(job(JobStatus(), completions=5, parallelism=2), [], NOON)
    assert (todo.create, todo.status.start_time) == (2, NOON)


@pytest.mark.parametrize(
    ("completions", "parallelism", "succeeded", "active", "create", "delete"),
    [
        (3, 2, 2, 0, 1, 0),
        (3, 2, 1, 2, 0, 0),
        (3, 1, 0, 2, 0, 1),
        (None, 3, 0, 1, 2, 0),
        (None, 3, 1, 2, 0, 0),
    ],
)
def test_no_more_run_than_are_needed(
    completions: int | None, parallelism: int, succeeded: int, active: int, create: int, delete: int
) -> None:
    pods = [pod("Succeeded", number) for number in range(succeeded)] + [pod("Running", n) for n in range(active)]
    todo = plan(job(completions=completions, parallelism=parallelism), pods, at(1000))
    assert (todo.create, len(todo.delete)) == (create, delete)


def test_enough_successes_complete_the_job() -> None:
    todo = plan(job(completions=2), [pod("Succeeded", 1), pod("Succeeded", 2)], at(3))
    assert said(todo) == [("SuccessCriteriaMet", "CompletionsReached"), ("Complete", "CompletionsReached")]
    assert todo.status.completion_time == at(3)


def test_a_job_is_only_complete_when_nothing_of_it_runs() -> None:
    pods = [pod("Succeeded"), pod("Running")]
    todo = plan(job(completions=1, parallelism=2), pods, at(1))
    assert said(todo) == [("SuccessCriteriaMet", "CompletionsReached")]
    assert [one.status.phase for one in todo.delete] == ["Running"]
    after = job(todo.status, completions=1, parallelism=2)
    assert said(plan(after, [pod("Succeeded"), pod("Running", going=True)], at(2))) == said(todo)
    assert ("Complete", "CompletionsReached") in said(plan(after, [pod("Succeeded")], at(3)))


@pytest.mark.parametrize(
    ("failures", "wait"), [([0], 10), ([0, 10], 20), ([0, 10, 30], 40), ([0] * 7, 600), ([0] * 50, 600)]
)
def test_each_failure_doubles_the_pause(failures: list[float], wait: float) -> None:
    seen = tally([pod("Failed", moment) for moment in failures])
    assert backoff_in(seen, at(max(failures))) == wait
    assert backoff_in(seen, at(max(failures) + wait)) == 0


def test_a_success_ends_the_counting_of_failures() -> None:
    assert backoff_in(tally([pod("Failed", 0), pod("Failed", 5), pod("Succeeded", 6)]), at(7)) == 0


def test_after_a_failure_the_next_pod_is_made_when_the_pause_is_over() -> None:
    assert plan(job(), [pod("Failed", 0)], at(4)).after == 6
    assert plan(job(), [pod("Failed", 0)], at(4)).create == 0
    assert plan(job(), [pod("Failed", 0)], at(10)).create == 1


def test_too_many_failures_fail_the_job() -> None:
    todo = plan(job(backoffLimit=1), [pod("Failed", 0), pod("Failed", 10)], at(10))
    assert said(todo) == [("FailureTarget", "BackoffLimitExceeded"), ("Failed", "BackoffLimitExceeded")]
    assert todo.status.conditions[-1].message == "Job has reached the specified backoff limit"
    assert todo.status.failed == 2


def test_no_failure_is_forgiven_with_a_limit_of_zero() -> None:
    assert ("Failed", "BackoffLimitExceeded") in said(plan(job(backoffLimit=0), [pod("Failed")], at(1)))


def test_restarts_in_place_count_where_pods_are_restarted() -> None:
    crashing = pod("Running", restarts=3)
    assert not said(plan(job(policy="OnFailure", backoffLimit=4), [crashing], at(1)))
    todo = plan(job(policy="OnFailure", backoffLimit=3), [crashing], at(1))
    assert said(todo) == [("FailureTarget", "BackoffLimitExceeded")]
    assert todo.delete == (crashing,)


def test_a_job_that_takes_too_long_fails() -> None:
    limited = job(activeDeadlineSeconds=60)
    assert plan(limited, [pod("Running")], at(20)).after == 40
    todo = plan(limited, [pod("Running")], at(60))
    assert said(todo) == [("FailureTarget", "DeadlineExceeded")]
    assert (todo.status.failed, todo.status.active, todo.status.terminating) == (1, 0, 1)
    after = job(todo.status, activeDeadlineSeconds=60)
    assert ("Failed", "DeadlineExceeded") in said(plan(after, [], at(61)))


def test_a_suspended_job_runs_nothing_and_starts_anew() -> None:
    todo = plan(job(suspend=True), [pod("Running")], at(5))
    assert (len(todo.delete), todo.status.start_time) == (1, None)
    assert said(todo) == [("Suspended", "JobSuspended")]
    again = plan(job(todo.status), [], at(9))
    assert (again.create, again.status.start_time, said(again)) == (1, at(9), [])


def test_a_job_that_has_ended_stays_as_it_is() -> None:
    todo = plan(job(), [pod("Succeeded")], at(1))
    ended = job(todo.status, ttlSecondsAfterFinished=30)
    assert plan(ended, [], at(99)) == Plan(todo.status)
    assert (expires_in(ended, at(11)), expires_in(ended, at(99))) == (20, 0)
    assert expires_in(job(todo.status), at(99)) is None
