from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.controllers.node.embedded import Clock, cluster, job
from upright.openapi.batch_v1.job import Job
from upright.openapi.core_v1.event import Event
from upright.openapi.core_v1.pod import Pod

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.controllers.node.embedded import Cluster


async def create(there: Cluster, image: str, policy: str = "Never", **spec: object) -> Job:
    return await there.client.create(Job.model_validate(job(image, policy, **spec)))


def failed(times: int) -> Callable[[list[Job]], bool]:
    return lambda jobs: jobs[0].status.failed == times


def ended(jobs: list[Job]) -> bool:
    return bool(jobs) and jobs[0].ended is not None


async def test_a_job_runs_to_its_completion(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        made = await create(there, "ends:1", completions=3, parallelism=2)
        assert made.spec.selector is not None
        assert made.spec.selector.match_labels == {"batch.kubernetes.io/controller-uid": made.metadata.uid}
        (run,) = await there.until(Job, ended)
        assert (run.status.succeeded, run.status.active) == (3, 0)
        assert [one.type for one in run.status.conditions] == ["SuccessCriteriaMet", "Complete"]
        pods = (await there.client.list(Pod)).items
        assert len(pods) == 3
        assert all(pod.metadata.labels["batch.kubernetes.io/job-name"] == "run" for pod in pods)
        await there.until(Event, lambda found: any(one.reason == "Completed" for one in found))


async def test_a_job_that_fails_waits_and_tries_again_until_it_gives_up(tmp_path: Path) -> None:
    clock = Clock()
    async with cluster(tmp_path, clock) as there:
        await create(there, "fails:1", backoffLimit=2)
        for failures in (1, 2):
            await there.until(Job, failed(failures))
            await there.settled()
            assert len((await there.client.list(Pod)).items) == failures
            clock.ahead += timedelta(seconds=10 * 2 ** (failures - 1) + 1)
            now = await there.client.get(Job, "run", namespace="default")
            await there.client.patch(now, {"metadata": {"labels": {"woken": str(failures)}}})
        (run,) = await there.until(Job, ended)
        assert run.ended is not None
        assert (run.ended.type, run.ended.reason) == ("Failed", "BackoffLimitExceeded")
        assert run.status.failed == 3
        await there.until(Event, lambda found: any(one.reason == "BackoffLimitExceeded" for one in found))


@pytest.mark.slow
async def test_a_deadline_ends_what_runs(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1", activeDeadlineSeconds=1)
        await there.until(Pod, lambda pods: len(pods) == 1 and pods[0].ready)
        (run,) = await there.until(Job, ended)
        assert run.ended is not None
        assert run.ended.reason == "DeadlineExceeded"
        await there.until(Pod, lambda pods: not pods)


async def test_a_suspended_job_waits(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        made = await create(there, "ends:1", suspend=True)
        await there.until(Job, lambda jobs: bool(jobs[0].status.conditions))
        assert (await there.client.list(Pod)).items == ()
        await there.client.patch(made, {"spec": {"suspend": False}})
        await there.until(Job, ended)


async def test_a_finished_job_goes_after_its_time_and_takes_its_pods(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "ends:1", ttlSecondsAfterFinished=0)
        await there.until(Job, lambda jobs: not jobs)
        await there.until(Pod, lambda pods: not pods)


async def test_a_finished_job_is_not_run_again_after_a_restart(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "ends:1")
        await there.until(Job, ended)
        await there.settled()
        before = [one.metadata.resource_version for kind in (Job, Pod) for one in (await there.client.list(kind)).items]
    async with cluster(tmp_path) as there:
        await there.settled()
        after = [one.metadata.resource_version for kind in (Job, Pod) for one in (await there.client.list(kind)).items]
    assert before == after
