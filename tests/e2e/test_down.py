"""``upright down``: what a Tiltfile deploys is deleted from a cluster that a kubeconfig leads to, and from an engine."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.controllers.world.remote import remote
from tests.e2e.project import SECONDS, UPRIGHT
from tests.engines import IMAGE
from upright.client.cli import discovery

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines import RunningEngine
    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TILTFILE = """
allow_k8s_contexts('upright')
print('what for:', config.tilt_subcommand)
k8s_yaml(blob('''
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: data, annotations: {tilt.dev/down-policy: keep}}
---
apiVersion: v1
kind: Namespace
metadata: {name: ours}
'''))
k8s_custom_deploy('own', apply_cmd='true', delete_cmd='echo deleted with $KUBECONFIG; test -s $KUBECONFIG', deps=[])
local_resource('test', 'touch touched')
"""


def objects() -> list[Json]:
    one: Json = {"apiVersion": "v1", "kind": "ConfigMap"}
    names = ("settings", "data", "not-ours")
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ours"}}] + [
        {**one, "metadata": {"name": name}} for name in names
    ]


async def down(folder: Path, tiltfile: str, *flags: str, **variables: str) -> tuple[int, str, str]:
    """Run ``upright down`` in the folder; returns exit code, stdout, stderr."""
    await anyio.Path(folder / "Tiltfile").write_text(tiltfile)
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("KUBE", "UPRIGHT_", "TILT_"))}
    environ = {**kept, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"), **variables}
    with anyio.fail_after(SECONDS):
        ended = await anyio.run_process([str(UPRIGHT), "down", *flags], cwd=folder, env=environ, check=False)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


async def test_what_was_deployed_is_deleted_and_the_rest_stays(tmp_path: Path) -> None:
    async with remote(tmp_path) as there, there.reached(tmp_path) as cluster:
        for obj in objects():
            await cluster.apply(obj, namespace="default")
        code, out, err = await down(tmp_path, TILTFILE, "-v", KUBECONFIG=str(there.kubeconfig))
        assert (code, out) == (0, "configmap/settings deleted\n"), err
        assert "what for: down" in err
        assert "Kept, as their annotations say: configmap/data\n" in err
        assert "Not deleting namespaces: ours\nRun with --delete-namespaces" in err
        assert "deleted with /" in err
        code, out, err = await down(tmp_path, TILTFILE, "--delete-namespaces", KUBECONFIG=str(there.kubeconfig))
        assert (code, out) == (0, "namespace/ours deleted\n"), err
        code, out, err = await down(tmp_path, TILTFILE, "settings", KUBECONFIG=str(there.kubeconfig))
        assert code == 2, err
        assert 'could not be found: "settings"' in err
    assert not (tmp_path / "touched").exists()


async def test_a_command_that_cannot_delete_is_told(tmp_path: Path) -> None:
    tiltfile = "allow_k8s_contexts('upright')\nk8s_custom_deploy('own', 'true', 'echo no >&2; exit 3', deps=[])\n"
    async with remote(tmp_path) as there:
        code, out, err = await down(tmp_path, tiltfile, KUBECONFIG=str(there.kubeconfig))
    assert (code, out) == (1, "")
    assert "Error: delete command exited with status 3: sh -c echo no" in err


async def test_a_cluster_that_is_away_a_context_that_is_not_and_a_wrong_tiltfile_are_told(tmp_path: Path) -> None:
    async with remote(tmp_path) as there:
        away = there.through(1, tmp_path).kubeconfig
        code, out, err = await down(tmp_path, TILTFILE, KUBECONFIG=str(away))
        assert (code, out) == (3, "")
        assert "cannot reach the cluster of context 'upright'" in err
        code, _, err = await down(
            tmp_path, "allow_k8s_contexts('other')\n" + TILTFILE, "--context=other", KUBECONFIG=str(there.kubeconfig)
        )
        assert code == 3
        assert "no context 'other' in the kubeconfig" in err
        forbidden = TILTFILE.replace("allow_k8s_contexts('upright')", "")
        code, _, err = await down(tmp_path, forbidden, KUBECONFIG=str(there.kubeconfig))
        assert code == 5
        assert "might be production" in err


async def test_the_embedded_cluster_has_ended_with_its_run_or_ends_with_it(tmp_path: Path) -> None:
    code, out, err = await down(tmp_path, TILTFILE)
    assert (code, out) == (0, "")
    assert "ended with the run that had it" in err
    runs = discovery.this_process("localhost", 4321, tiltfile=str(tmp_path / "Tiltfile"))
    discovery.write(runs, tmp_path / "run" / "upright")
    code, out, err = await down(tmp_path, TILTFILE)
    assert (code, out) == (1, "")
    assert 'say "upright disable --all --port 4321"' in err


async def test_without_anything_deployed_it_says_so(tmp_path: Path) -> None:
    assert await down(tmp_path, "local_resource('a', 'x')\n") == (0, "", "There was nothing to delete.\n")


@pytest.mark.engine
async def test_compose_projects_are_taken_down(tmp_path: Path, compose: Path, private_dockerd: RunningEngine) -> None:
    (tmp_path / "compose.yml").write_text(
        f"name: goes\nservices:\n  a: {{image: '{IMAGE}', command: [sleep, '1000'], volumes: ['kept:/kept']}}\n"
        "volumes: {kept: {}}\n"
    )
    host = {"DOCKER_HOST": private_dockerd.info.address, "PATH": f"{compose.parent}{os.pathsep}{os.environ['PATH']}"}
    up = [str(compose), "--file", "compose.yml", "up", "--detach"]
    await anyio.to_thread.run_sync(
        lambda: subprocess.run(up, cwd=tmp_path, env={**os.environ, **host}, check=True, capture_output=True)
    )
    tiltfile = "docker_compose('compose.yml')\n"
    async with private_dockerd.connected() as engine:
        label = {"com.docker.compose.project": "goes"}
        assert len(await engine.containers(label)) == 1
        code, out, err = await down(tmp_path, tiltfile, **host)
        assert (code, out) == (0, "compose project goes taken down\n"), err
        assert await engine.containers(label) == []
        code, out, err = await down(tmp_path, tiltfile, "--delete-volumes", **host)
        assert code == 0, err
        assert "Volume goes_kept" in err
