from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.node.embedded import cluster, deployment
from upright.controllers.node.capacity import Amounts, requested
from upright.controllers.node.scheduler import misfit
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.core_v1.event import Event
from upright.openapi.core_v1.node import Node
from upright.openapi.core_v1.pod import Pod

if TYPE_CHECKING:
    from pathlib import Path

    from upright.openapi.meta import Json

NODE = Node.model_validate(
    {
        "metadata": {"name": "upright", "labels": {"kubernetes.io/os": "linux"}},
        "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "3"}},
    }
)


def pod(cpu: str = "0", memory: str = "0", **spec: object) -> Pod:
    container = {"name": "web", "image": "web", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    body: Json = {"metadata": {"name": "web"}, "spec": {"containers": [container], **spec}}
    return Pod.model_validate(body)


def on_node(cpu: str = "0", phase: str = "Running") -> Pod:
    return Pod.model_validate(pod(cpu, nodeName="upright").to_wire() | {"status": {"phase": phase}})


def affinity(values: list[str]) -> Json:
    term = {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": values}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


NO_VICTIMS = "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
NO_HELP = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
CASES: list[tuple[Pod, list[Pod], str]] = [
    (pod("2", "1Gi"), [], ""),
    (pod("500m"), [on_node("1500m")], ""),
    (pod("501m"), [on_node("1500m")], f"0/1 nodes are available: 1 Insufficient cpu. {NO_VICTIMS}"),
    (pod("2"), [on_node("2", "Succeeded")], ""),
    (
        pod("3", "2Gi"),
        [],
        f"0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. {NO_VICTIMS}",
    ),
    (pod(), [on_node()] * 3, f"0/1 nodes are available: 1 Too many pods. {NO_VICTIMS}"),
    (
        pod(nodeSelector={"disk": "ssd"}),
        [],
        f"0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. {NO_HELP}",
    ),
    (pod(nodeSelector={"kubernetes.io/os": "linux"}), [], ""),
    (pod(affinity=affinity(["linux"])), [], ""),
    (
        pod(affinity=affinity(["windows"])),
        [],
        f"0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. {NO_HELP}",
    ),
]


@pytest.mark.parametrize(("incoming", "others", "words"), CASES)
def test_the_scheduler_says_why_a_pod_has_no_place(incoming: Pod, others: list[Pod], words: str) -> None:
    assert misfit(incoming, NODE, others) == words


def test_without_a_node_there_is_no_place() -> None:
    assert misfit(pod(), None, []) == "no nodes available to schedule pods"


def test_init_containers_run_before_the_others_and_do_not_add_up() -> None:
    spec = {
        "containers": [{"name": name, "image": "x", "resources": {"requests": {"cpu": "1"}}} for name in "ab"],
        "initContainers": [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}],
    }
    assert requested(Pod.model_validate({"spec": spec})) == Amounts(cpu=2000, memory=1 << 30, pods=1)


async def test_a_pod_waits_for_room_and_gets_it(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        cpus = (await there.client.get(Node, "upright")).status.allocatable["cpu"]
        body = deployment("runs:1", replicas=2)
        body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpus}}
        await there.client.create(Deployment.model_validate(body))
        pods = await there.until(
            Pod, lambda pods: len(pods) == 2 and any(one.ready for one in pods) and any(refused(one) for one in pods)
        )
        (waiting,) = [one for one in pods if refused(one)]
        assert waiting.status.phase == "Pending"
        told = await there.until(Event, lambda found: any(one.reason == "FailedScheduling" for one in found))
        assert any("Insufficient cpu" in one.message for one in told)
        (running,) = [one for one in pods if one.ready]
        web = await there.client.get(Deployment, "web", namespace="default")
        await there.client.patch(web, {"spec": {"replicas": 1}})
        await there.until(Pod, lambda pods: [one.name for one in pods] == [running.name])
        await there.client.patch(web, {"spec": {"replicas": 2}})
        await there.until(Pod, lambda pods: any(refused(one) for one in pods))
        await there.client.delete(Pod, running.name, namespace="default")
        (freed, *_) = [
            one
            for one in await there.until(Pod, lambda pods: any(one.ready and one.name != running.name for one in pods))
            if one.ready
        ]
        found = freed.condition("PodScheduled")
        assert found is not None
        assert found.status == "True"


def refused(one: Pod) -> bool:
    found = one.condition("PodScheduled")
    return found is not None and (found.status, found.reason) == ("False", "Unschedulable")
