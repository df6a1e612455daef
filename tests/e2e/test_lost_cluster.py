"""A real API server that is killed in the middle of a run: back in time, it changes no verdict; away too long, nobody can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.controllers.world.own_apiserver import own_apiserver
from tests.controllers.world.remote import Remote, Seen
from tests.e2e.test_kubeconfig import ci

if TYPE_CHECKING:
    from pathlib import Path

    from upright.controllers.world.kubeconfig_cluster import KubeconfigCluster

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TILTFILE = """
allow_k8s_contexts('there')
ci_settings(sight_timeout='SIGHT')
k8s_yaml(blob('''
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: none.invalid/none, readinessProbe: {tcpSocket: {port: 80}}}]
'''))
"""


async def patch_ready(cluster: KubeconfigCluster) -> None:
    """Be the kubelet: have the pod run, and be ready."""
    since = "2026-01-02T03:04:05Z"
    container = {
        "name": "web",
        "image": "none",
        "imageID": "none",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": since}},
    }
    conditions = [
        {"type": name, "status": "True", "lastTransitionTime": since}
        for name in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    status = {"phase": "Running", "conditions": conditions, "containerStatuses": [container], "startTime": since}
    await cluster._connection.call(
        "PATCH",
        "/api/v1/namespaces/default/pods/web/status",
        body={"status": status},
        media="application/strategic-merge-patch+json",
    )


async def test_a_server_that_comes_back_changes_no_verdict(tmp_path: Path) -> None:
    ended: list[tuple[int, str, str]] = []
    async with (
        own_apiserver(tmp_path) as server,
        Remote(server.kubeconfig, server.port).reached(tmp_path) as direct,
        anyio.create_task_group() as group,
    ):
        seen = Seen()
        group.start_soon(direct.watch, "v1", "Pod", "default", seen.tell)

        async def run() -> None:
            ended.append(await ci(tmp_path, server.kubeconfig, TILTFILE.replace("SIGHT", "60s")))
            group.cancel_scope.cancel()

        group.start_soon(run)
        await seen.until(lambda s: "web" in s.objects)
        server.kill()
        await seen.until(lambda s: "LOST" in s.types)
        server.start()
        await server.ready()
        await patch_ready(direct)
    code, out, err = ended[0]
    assert code == 0, out + err


async def test_a_server_that_stays_away_cannot_be_told(tmp_path: Path) -> None:
    ended: list[tuple[int, str, str]] = []
    async with (
        own_apiserver(tmp_path) as server,
        Remote(server.kubeconfig, server.port).reached(tmp_path) as direct,
        anyio.create_task_group() as group,
    ):
        seen = Seen()
        group.start_soon(direct.watch, "v1", "Pod", "default", seen.tell)

        async def run() -> None:
            ended.append(await ci(tmp_path, server.kubeconfig, TILTFILE.replace("SIGHT", "2s")))
            group.cancel_scope.cancel()

        group.start_soon(run)
        await seen.until(lambda s: "web" in s.objects)
        await anyio.sleep(1)  # until the run has seen it too, for only what was seen can be lost
        server.kill()
    code, out, err = ended[0]
    assert code == 3, out + err
    assert "cannot tell" in err
    assert "No sight of the cluster: https://127.0.0.1:" in out
