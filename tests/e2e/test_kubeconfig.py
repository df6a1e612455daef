"""A cluster that a kubeconfig leads to: deployed to if that is allowed, and told why not otherwise."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.controllers.world.faulty_proxy import faulty_proxy
from tests.controllers.world.remote import Seen, remote
from tests.e2e.project import SECONDS, UPRIGHT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DEPLOYMENT = """k8s_yaml(blob('''
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "IMAGE", readinessProbe: {tcpSocket: {port: 80}}}
'''))
"""

JOB = """k8s_yaml(blob('''
apiVersion: batch/v1
kind: Job
metadata: {name: run}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: web, image: "fails:1"}
'''))
"""


async def ci(folder: Path, kubeconfig: Path, tiltfile: str, *flags: str) -> tuple[int, str, str]:
    """Run ``upright ci`` in the folder; returns exit code, stdout, stderr."""
    await anyio.Path(folder / "Tiltfile").write_text(tiltfile)
    environ = {**os.environ, "KUBECONFIG": str(kubeconfig), "XDG_STATE_HOME": str(folder / "state")}
    with anyio.fail_after(SECONDS):
        ended = await anyio.run_process([str(UPRIGHT), "ci", "--port=0", *flags], cwd=folder, env=environ, check=False)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


async def test_what_was_deployed_through_a_kubeconfig_is_healthy(tmp_path: Path) -> None:
    async with remote(tmp_path) as there:
        allowed = "allow_k8s_contexts('upright')\nlocal('echo config is $KUBECONFIG')\n"
        code, out, err = await ci(tmp_path, there.kubeconfig, allowed + DEPLOYMENT.replace("IMAGE", "runs:1"))
        assert code == 0, out + err
        (line,) = (one for one in out.splitlines() if "/cluster/kubeconfig" in one)
        assert not await anyio.Path(line.rpartition(" ")[2]).exists(), "the frozen kubeconfig holds secrets"
        async with there.reached(tmp_path) as cluster:
            made = await cluster.apply(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}, namespace="default"
            )
            assert made["metadata"]["name"] == "x"


async def test_a_job_that_fails_there_is_red(tmp_path: Path) -> None:
    async with remote(tmp_path) as there:
        code, out, err = await ci(tmp_path, there.kubeconfig, "allow_k8s_contexts('upright')\n" + JOB)
    assert code == 1, out + err
    assert "Error: run: Job/run" in err


async def test_a_cluster_that_goes_away_cannot_be_told(tmp_path: Path) -> None:
    tiltfile = "allow_k8s_contexts('upright')\nci_settings(sight_timeout='2s')\n"
    tiltfile += DEPLOYMENT.replace("IMAGE", "waits:1")
    ended: list[int | str] = []
    async with (
        remote(tmp_path) as there,
        faulty_proxy(there.port) as proxy,
        there.reached(tmp_path) as direct,
        anyio.create_task_group() as group,
    ):
        seen = Seen()
        group.start_soon(direct.watch, "v1", "Pod", "default", seen.tell)

        async def run() -> None:
            ended.extend(await ci(tmp_path, there.through(proxy.port, tmp_path).kubeconfig, tiltfile))
            group.cancel_scope.cancel()

        group.start_soon(run)
        await seen.until(lambda s: any(pod.get("status", {}).get("podIP") for pod in s.objects.values()))
        await anyio.sleep(1)  # until the run has seen it too, for only what was seen can be lost
        proxy.refuses = True
        await proxy.reset()
        await anyio.sleep_forever()
    assert ended[0] == 3, ended
    assert "cannot tell" in str(ended[2])


async def test_a_cluster_that_might_be_production_is_refused(tmp_path: Path) -> None:
    async with remote(tmp_path) as there:
        code, out, err = await ci(tmp_path, there.kubeconfig, DEPLOYMENT.replace("IMAGE", "runs:1"))
    assert code == 5, out + err
    assert "Stop! upright might be production." in err
    assert "Objects applied" not in out


async def test_a_cluster_that_is_away_cannot_be_told(tmp_path: Path) -> None:
    async with remote(tmp_path) as there:
        away = there.through(1, tmp_path).kubeconfig
        tiltfile = "allow_k8s_contexts('upright')\n" + DEPLOYMENT.replace("IMAGE", "runs:1")
        code, out, err = await ci(tmp_path, away, tiltfile)
    assert code == 3, out + err
    assert "cannot reach the cluster of context 'upright'" in err
    assert "connection refused" in err


async def test_a_context_that_is_not_there_cannot_be_told(tmp_path: Path) -> None:
    async with remote(tmp_path) as there:
        code, out, err = await ci(
            tmp_path, there.kubeconfig, DEPLOYMENT.replace("IMAGE", "runs:1"), "--cluster=elsewhere"
        )
    assert code == 3, out + err
    assert "no context 'elsewhere'" in err
