"""kubectl, which nobody here wrote, against the embedded cluster's workloads."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.controllers.node.embedded import cluster
from upright.apiserver.clock import utc_now
from upright.apiserver.server import Server, Settings
from upright.controllers.node.eviction import register_eviction
from upright.controllers.node.scale import register_scale
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.slow

WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: runs:1
        ports: [{name: http, containerPort: 8080}]
        resources: {limits: {cpu: "0.1", memory: 0.5Gi}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: run, image: "ends:1"}]}}}
"""


@dataclass
class Kubectl:
    """Runs kubectl against the cluster."""

    command: list[str]
    environment: dict[str, str]

    async def __call__(self, text: str, stdin: str = "") -> str:
        """Return what it prints, complaints included."""
        with anyio.fail_after(30):
            done = await anyio.run_process(
                [*self.command, *text.split()], input=stdin.encode(), env=self.environment, check=False
            )
        return done.stdout.decode() + done.stderr.decode()

    async def json(self, text: str) -> Any:  # noqa: ANN401  reason: a decoded document
        return json.loads(await self(f"{text} -o json"))


@pytest.fixture
async def k(any_kubectl: Path, tmp_path: Path) -> AsyncIterator[Kubectl]:
    async with cluster(tmp_path, utc_now) as there, anyio.create_task_group() as group:
        subresources = Subresources()
        register_scale(subresources, there.client)
        register_eviction(subresources, there.client)
        server = Server(there.registry, [], Settings(tmp_path), now=utc_now, subresources=subresources)
        await group.start(server.serve)
        config = await server.secured()
        environment = os.environ | {"HOME": str(tmp_path), "KUBECONFIG": str(config)}
        yield Kubectl([str(any_kubectl), "--cache-dir", str(tmp_path / "cache")], environment)
        group.cancel_scope.cancel()


async def test_it_rolls_out_undoes_restarts_and_scales(k: Kubectl) -> None:
    assert "deployment.apps/web created" in await k("apply -f -", WEB)
    await k("apply -f -", WEB.replace('"0.1"', "100m").replace("0.5Gi", "512Mi"))
    assert (await k.json("get deploy web"))["metadata"]["generation"] == 1
    assert "successfully rolled out" in await k("rollout status deploy/web --timeout=20s")
    await k("set image deploy/web web=runs:2")
    assert "successfully rolled out" in await k("rollout status deploy/web --timeout=20s")
    await k("wait pods -l app=web --for=condition=Ready --timeout=10s")
    assert "rolled back" in await k("rollout undo deploy/web")
    assert "successfully rolled out" in await k("rollout status deploy/web --timeout=20s")
    assert len((await k.json("get rs"))["items"]) == 2
    assert (await k("rollout history deploy/web")).split()[-4:] == ["2", "<none>", "3", "<none>"]
    await k("rollout restart deploy/web")
    assert "successfully rolled out" in await k("rollout status deploy/web --timeout=20s")
    assert "scaled" in await k("scale deploy/web --replicas=3")
    assert "met" in await k("wait deploy/web --for=jsonpath={.status.readyReplicas}=3 --timeout=10s")
    assert (await k("get deploy web --no-headers")).split()[:4] == ["web", "3/3", "3", "3"]


async def test_it_sees_jobs_services_nodes_and_events(k: Kubectl) -> None:
    await k("apply -f -", WEB)
    assert "met" in await k("wait job/migrate --for=condition=Complete --timeout=10s")
    assert (await k("get job migrate --no-headers")).split()[:3] == ["migrate", "Complete", "1/1"]
    await k("rollout status deploy/web --timeout=20s")
    assert ":8080" in await k("describe svc web")
    assert "ScalingReplicaSet" in await k("describe deploy web")
    assert "Successfully assigned default/web-" in await k("get events")
    assert (await k("get nodes --no-headers")).split()[:2] == ["upright", "Ready"]
    assert "KubeletReady" in await k("describe node upright")


async def test_it_creates_a_job_of_words_and_there_are_no_cron_jobs_to_make_one_of(k: Kubectl) -> None:
    assert "job.batch/once created" in await k("create job once --image=ends:1 -- true")
    assert "met" in await k("wait job/once --for=condition=Complete --timeout=20s")
    assert "cronjob" in (await k("create job twice --from=cronjob/nightly")).lower()
    assert "not found" in await k("get job twice")


async def test_it_deletes_in_each_of_the_three_ways(k: Kubectl) -> None:
    await k("apply -f -", WEB)
    await k("rollout status deploy/web --timeout=20s")
    assert "deleted" in await k("delete job migrate --cascade=foreground --timeout=10s")
    assert "deleted" in await k("delete deploy web --cascade=orphan --timeout=10s")
    assert len((await k.json("get pods -l app=web"))["items"]) == 2
    assert "deleted" in await k("delete rs --all --timeout=10s")
    await k("wait pods --all --for=delete --timeout=10s")
    assert "No resources found" in await k("get pods")
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    await k("apply -f -", namespace)
    await k("-n shop apply -f -", WEB)
    assert 'namespace "shop" deleted' in await k("delete ns shop --timeout=10s")
    assert 'namespaces "shop" not found' in await k("get ns shop")


async def test_it_is_told_what_is_not_implemented(k: Kubectl) -> None:
    await k("apply -f -", WEB)
    refused = WEB.replace("    spec:\n      containers", "    spec:\n      hostNetwork: true\n      containers")
    assert "spec.template.spec.hostNetwork: Forbidden: not implemented by the embedded cluster" in await k(
        "apply -f -", refused
    )
    warned = WEB.replace("    spec:\n      containers", "    spec:\n      priorityClassName: high\n      containers")
    assert "Warning: spec.template.spec.priorityClassName: has no effect" in await k("apply -f -", warned)
    unknown = WEB.replace("replicas: 2", "replicas: 2\n  colour: red")
    assert 'unknown field "spec.colour"' in await k("apply -f -", unknown)


async def test_it_drains_the_node_by_evictions(k: Kubectl) -> None:
    await k("apply -f -", WEB)
    await k("rollout status deploy/web --timeout=20s")
    before = {pod["metadata"]["name"] for pod in (await k.json("get pods -l app=web"))["items"]}
    said = await k("drain upright --timeout=20s --force")
    assert all(f"evicting pod default/{name}" in said for name in before)
    assert "drained" in said
    assert (await k("get nodes --no-headers")).split()[1] == "Ready,SchedulingDisabled"


async def test_a_service_that_is_replaced_keeps_its_address(k: Kubectl) -> None:
    await k("apply -f -", WEB)
    await k('patch svc web -p {"spec":{"clusterIP":"10.9.9.9"}}')
    spec = (await k.json("get svc web"))["spec"]
    service = WEB.partition("---")[0]
    assert "replaced" in await k("replace -f -", service.replace("port: 80,", "port: 81,"))
    now = (await k.json("get svc web"))["spec"]
    assert now["ports"][0]["port"] == 81
    assert (
        (now["clusterIP"], now["clusterIPs"]) == (spec["clusterIP"], spec["clusterIPs"]) == ("10.9.9.9", ["10.9.9.9"])
    )
