from __future__ import annotations

from typing import TYPE_CHECKING

from tests.controllers.node.embedded import Clock, cluster, deployment, server
from upright.apiserver.inprocess import InProcess
from upright.client.client import Client
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.apps_v1.replica_set import ReplicaSet
from upright.openapi.core_v1.config_map import ConfigMap
from upright.openapi.core_v1.pod import Pod
from upright.openapi.meta import ObjectMeta, OwnerReference

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controllers.node.embedded import Cluster


async def running(there: Cluster) -> None:
    await there.client.create(Deployment.model_validate(deployment("runs:1", replicas=2)))
    await there.until(Pod, lambda pods: len(pods) == 2 and all(pod.ready for pod in pods))


async def config_map(there: Cluster, name: str, *owners: ConfigMap | OwnerReference) -> ConfigMap:
    references = tuple(one if isinstance(one, OwnerReference) else to(one) for one in owners)
    meta = ObjectMeta(name=name, namespace="default", owner_references=references)
    return await there.client.create(ConfigMap(metadata=meta))


def to(owner: ConfigMap) -> OwnerReference:
    return OwnerReference(
        api_version="v1", kind="ConfigMap", name=owner.name, uid=owner.metadata.uid, block_owner_deletion=True
    )


def names(found: list[ConfigMap]) -> list[str]:
    return sorted(one.name for one in found)


async def test_what_is_owned_goes_with_its_owner(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await running(there)
        await there.client.delete(Deployment, "web", namespace="default")
        await there.until(ReplicaSet, lambda found: not found)
        await there.until(Pod, lambda found: not found)


async def test_in_the_foreground_the_owner_goes_last(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await running(there)
        there.node.stopping = lambda _: False
        await there.client.delete(Deployment, "web", namespace="default", propagation="Foreground")
        pods = await there.until(Pod, lambda found: all(pod.metadata.deletion_timestamp for pod in found))
        await there.settled()
        assert len((await there.client.list(Deployment)).items) == 1
        assert len((await there.client.list(ReplicaSet)).items) == 1
        for pod in pods:
            await there.client.delete(Pod, pod.name, namespace="default", grace_seconds=0)
        await there.until(Deployment, lambda found: not found)
        assert (await there.client.list(ReplicaSet)).items == ()


async def test_orphans_stay_and_are_taken_in_again(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await running(there)
        before = {pod.name for pod in (await there.client.list(Pod)).items}
        await there.client.delete(Deployment, "web", namespace="default", propagation="Orphan")
        await there.until(Deployment, lambda found: not found)
        await there.settled()
        (left,) = (await there.client.list(ReplicaSet)).items
        assert left.metadata.owner_references == ()
        assert len((await there.client.list(Pod)).items) == 2
        await there.client.create(Deployment.model_validate(deployment("runs:1", replicas=2)))
        await there.until(ReplicaSet, lambda found: len(found) == 1 and bool(found[0].metadata.owner_references))
        await there.until(Deployment, lambda found: found[0].status.available_replicas == 2)
        assert {pod.name for pod in (await there.client.list(Pod)).items} == before


async def test_an_object_with_another_owner_stays(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        first, second = await config_map(there, "first"), await config_map(there, "second")
        await config_map(there, "both", first, second)
        await there.client.delete(ConfigMap, "first", namespace="default")
        found = await there.until(
            ConfigMap,
            lambda found: any(one.name == "both" and len(one.metadata.owner_references) == 1 for one in found),
        )
        assert names(found) == ["both", "second"]
        await there.client.delete(ConfigMap, "second", namespace="default")
        await there.until(ConfigMap, lambda found: not found)


async def test_an_object_whose_owner_never_was_goes(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        owner = await config_map(there, "owner")
        stale = to(owner).model_copy(update={"uid": "somebody-else"})
        await config_map(there, "stale", stale)
        foreign = OwnerReference(api_version="example.com/v1", kind="Thing", name="x", uid="y")
        await config_map(there, "foreign", foreign)
        await there.until(ConfigMap, lambda found: names(found) == ["foreign", "owner"])


async def test_what_lost_its_owner_while_nobody_looked_goes_at_the_next_start(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        owner = await config_map(there, "owner")
        await config_map(there, "owned", owner)
        await config_map(there, "free")
    async with server(tmp_path, Clock()) as registry:
        client = Client(InProcess(registry))
        await client.delete(ConfigMap, "owner", namespace="default")
        assert names(list((await client.list(ConfigMap)).items)) == ["free", "owned"]
    async with cluster(tmp_path) as there:
        await there.until(ConfigMap, lambda found: names(found) == ["free"])
