from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.node.embedded import cluster, deployment
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.apps_v1.replica_set import ReplicaSet
from upright.openapi.core_v1.condition import find_condition
from upright.openapi.core_v1.event import Event
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.service_account import ServiceAccount
from upright.openapi.meta import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.controllers.node.embedded import Cluster


def done(found: list[Deployment], replicas: int) -> bool:
    status = found[0].status
    return (
        status.observed_generation == found[0].metadata.generation
        and status.available_replicas == status.updated_replicas == status.replicas == replicas
    )


async def create(there: Cluster, image: str, **spec: object) -> Deployment:
    return await there.client.create(Deployment.model_validate(deployment(image, **spec)))


async def change(there: Cluster, spec: dict[str, object]) -> Deployment:
    now = await there.client.get(Deployment, "web", namespace="default")
    return await there.client.patch(now, {"spec": spec}, patch_type="strategic")


def image(name: str) -> dict[str, object]:
    return {"template": {"spec": {"containers": [{"name": "web", "image": name}]}}}


def only(name: str) -> Callable[[list[Pod]], bool]:
    return lambda pods: [pod.spec.containers[0].image for pod in pods if pod.ready] == [name]


async def test_a_deployment_becomes_available(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1", replicas=3)
        (web,) = await there.until(Deployment, lambda found: done(found, 3))
        conditions = {one.type: (one.status, one.reason) for one in web.status.conditions}
        assert conditions == {
            "Available": ("True", "MinimumReplicasAvailable"),
            "Progressing": ("True", "NewReplicaSetAvailable"),
        }
        (owned,) = (await there.client.list(ReplicaSet)).items
        pods = (await there.client.list(Pod)).items
        assert {pod.metadata.labels["pod-template-hash"] for pod in pods} == {
            owned.metadata.labels["pod-template-hash"]
        }
        assert all(pod.spec.node_name == "upright" for pod in pods)
        told = await there.until(Event, lambda found: any(one.reason == "ScalingReplicaSet" for one in found))
        assert any(one.message == f"Scaled up replica set {owned.name} from 0 to 3" for one in told)


async def test_a_new_template_replaces_the_pods_and_never_takes_too_many_away(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1", replicas=4, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}})
        await there.until(Deployment, lambda found: done(found, 4))
        ready: list[int] = []
        everyone: list[int] = []

        def watch(pods: list[Pod]) -> bool:
            ready.append(sum(1 for pod in pods if pod.ready))
            everyone.append(sum(1 for pod in pods if pod.active))
            return all(pod.spec.containers[0].image == "runs:2" and pod.ready for pod in pods) and len(pods) == 4

        await change(there, image("runs:2"))
        await there.until(Pod, watch)
        (web,) = await there.until(Deployment, lambda found: done(found, 4))
        assert min(ready) >= 3
        assert max(everyone) <= 5
        assert web.metadata.annotations["deployment.kubernetes.io/revision"] == "2"
        sets = {one.spec.replicas for one in (await there.client.list(ReplicaSet)).items}
        assert sets == {0, 4}


async def test_pods_that_never_get_ready_stop_the_rollout_where_it_is(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1", replicas=3)
        await there.until(Deployment, lambda found: done(found, 3))
        await change(there, image("waits:2"))
        await there.until(Deployment, lambda found: found[0].status.updated_replicas == 1)
        await there.settled()
        pods = (await there.client.list(Pod)).items
        assert sorted(pod.spec.containers[0].image for pod in pods) == ["runs:1", "runs:1", "runs:1", "waits:2"]


@pytest.mark.slow
async def test_a_rollout_that_does_not_move_runs_out_of_time(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "waits:1", progressDeadlineSeconds=1)
        (web,) = await there.until(
            Deployment,
            lambda found: any(one.reason == "ProgressDeadlineExceeded" for one in found[0].status.conditions),
        )
        late = find_condition(web.status.conditions, "Progressing")
        assert late is not None
        assert late.status == "False"
        assert late.message.startswith('ReplicaSet "web-')
        assert late.message.endswith('" has timed out progressing.')


async def test_recreate_waits_until_the_old_pods_have_ended(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1", replicas=2, strategy={"type": "Recreate"})
        await there.until(Deployment, lambda found: done(found, 2))
        there.node.stopping = lambda _: False
        await change(there, image("runs:2"))
        await there.until(Pod, lambda pods: all(pod.metadata.deletion_timestamp for pod in pods))
        await there.settled()
        pods = (await there.client.list(Pod)).items
        assert [pod.spec.containers[0].image for pod in pods] == ["runs:1", "runs:1"]
        there.node.stopping = lambda _: True
        for pod in pods:
            await there.client.delete(Pod, pod.name, namespace="default", grace_seconds=0)
        await there.until(Deployment, lambda found: done(found, 2))
        assert {pod.spec.containers[0].image for pod in (await there.client.list(Pod)).items} == {"runs:2"}


async def test_the_former_template_comes_back_as_a_new_revision(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1")
        await there.until(Deployment, lambda found: done(found, 1))
        first = (await there.client.list(ReplicaSet)).items[0].name
        await change(there, image("runs:2"))
        await there.until(ReplicaSet, lambda found: len(found) == 2)
        await there.until(Deployment, lambda found: done(found, 1))
        await change(there, image("runs:1"))
        await there.until(
            ReplicaSet, lambda found: any(one.name == first and one.status.available_replicas == 1 for one in found)
        )
        (web,) = await there.until(Deployment, lambda found: done(found, 1))
        assert web.metadata.annotations["deployment.kubernetes.io/revision"] == "3"
        assert len((await there.client.list(ReplicaSet)).items) == 2


async def test_replicas_go_up_and_down(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1", replicas=1)
        await there.until(Deployment, lambda found: done(found, 1))
        await change(there, {"replicas": 4})
        await there.until(Deployment, lambda found: done(found, 4))
        await change(there, {"replicas": 0})
        await there.until(Pod, lambda pods: not pods)
        await there.until(Deployment, lambda found: done(found, 0))


async def test_a_paused_deployment_keeps_its_pods_until_it_is_resumed(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1")
        await there.until(Deployment, lambda found: done(found, 1))
        await change(there, {"paused": True, **image("runs:2")})
        await there.until(
            Deployment, lambda found: any(one.reason == "DeploymentPaused" for one in found[0].status.conditions)
        )
        await there.settled()
        assert len((await there.client.list(ReplicaSet)).items) == 1
        await change(there, {"paused": False})
        await there.until(
            Pod, lambda pods: len(pods) == 1 and pods[0].ready and pods[0].spec.containers[0].image == "runs:2"
        )


async def test_old_replica_sets_are_kept_up_to_the_limit(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1", revisionHistoryLimit=1)
        await there.until(Deployment, lambda found: done(found, 1))
        for number in (2, 3, 4):
            await change(there, image(f"runs:{number}"))
            await there.until(Pod, only(f"runs:{number}"))
        sets = await there.until(ReplicaSet, lambda found: len(found) == 2)
        assert {one.metadata.annotations["deployment.kubernetes.io/revision"] for one in sets} == {"3", "4"}


async def test_a_deleted_pod_is_replaced(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1", replicas=2)
        (web,) = await there.until(Deployment, lambda found: done(found, 2))
        first = (await there.client.list(Pod)).items[0]
        await there.client.delete(Pod, first.name, namespace="default")
        await there.until(
            Pod, lambda pods: len(pods) == 2 and all(pod.ready and pod.name != first.name for pod in pods)
        )
        assert web.status.replicas == 2


async def test_after_a_restart_nothing_that_is_finished_changes(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await create(there, "runs:1", replicas=2)
        await there.until(Deployment, lambda found: done(found, 2))
        await change(there, image("runs:2"))
        await there.until(
            Pod, lambda pods: len(pods) == 2 and all(pod.spec.containers[0].image == "runs:2" for pod in pods)
        )
        await there.until(Deployment, lambda found: done(found, 2))
        await there.settled()
        before = [
            (one.name, one.metadata.resource_version)
            for kind in (Deployment, ReplicaSet, Pod)
            for one in (await there.client.list(kind)).items
        ]
    async with cluster(tmp_path) as there:
        await there.settled()
        after = [
            (one.name, one.metadata.resource_version)
            for kind in (Deployment, ReplicaSet, Pod)
            for one in (await there.client.list(kind)).items
        ]
    assert before == after


async def test_a_service_account_that_is_missing_is_said_in_kubernetes_words(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        body = deployment("runs:1")
        body["spec"]["template"]["spec"]["serviceAccountName"] = "robot"
        await there.client.create(Deployment.model_validate(body))
        (web,) = await there.until(
            Deployment, lambda found: find_condition(found[0].status.conditions, "ReplicaFailure") is not None
        )
        failure = find_condition(web.status.conditions, "ReplicaFailure")
        assert failure is not None
        assert failure.reason == "FailedCreate"
        assert failure.message.endswith(
            'error looking up service account default/robot: serviceaccount "robot" not found'
        )
        await there.client.create(ServiceAccount(metadata=ObjectMeta(name="robot", namespace="default")))
        (web,) = await there.until(Deployment, lambda found: done(found, 1))
        assert find_condition(web.status.conditions, "ReplicaFailure") is None
