"""helm, which nobody here wrote, installs, upgrades, rolls back and uninstalls a chart with hooks on the embedded cluster."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.controllers.node.embedded import Cluster, cluster
from upright.apiserver.clock import utc_now
from upright.apiserver.server import Server, Settings
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.batch_v1.job import Job
from upright.openapi.core_v1.config_map import ConfigMap
from upright.openapi.core_v1.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.slow

CHART = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"
VALUES = "replicas: 1\ncolour: red\nmigration: ends\n"
TEMPLATES = """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings}
data: {colour: {{ .Values.colour }}}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {clusterIP: None, selector: {app: {{ .Release.Name }}}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: web, image: "runs:1"}]}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-delete-policy": "before-hook-creation"}
spec:
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: run, image: "{{ .Values.migration }}:1"}]}}
"""


@dataclass
class Helm:
    """Runs helm on a chart of its own against the cluster."""

    command: list[str]
    environment: dict[str, str]
    chart: Path
    there: Cluster

    async def __call__(self, text: str) -> str:
        """Return what it prints; it must succeed."""
        code, said = await self.run(text)
        assert code == 0, said
        return said

    async def run(self, text: str) -> tuple[int, str]:
        with anyio.fail_after(50):
            done = await anyio.run_process([*self.command, *text.split()], env=self.environment, check=False)
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    async def history(self) -> list[tuple[int, str]]:
        found: list[dict[str, Any]] = json.loads(await self("history shop -o json"))
        return [(one["revision"], one["status"]) for one in found]

    async def colour(self) -> str:
        return (await self.there.client.get(ConfigMap, "shop-settings", namespace="default")).data["colour"]

    async def replicas(self) -> int | None:
        return (await self.there.client.get(Deployment, "shop", namespace="default")).spec.replicas


@pytest.fixture
async def h(helm: Path, tmp_path: Path) -> AsyncIterator[Helm]:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(CHART)
    (chart / "values.yaml").write_text(VALUES)
    (chart / "templates" / "all.yaml").write_text(TEMPLATES)
    async with cluster(tmp_path, utc_now) as there, anyio.create_task_group() as group:
        server = Server(there.registry, [], Settings(tmp_path), now=utc_now)
        await group.start(server.serve)
        config = await server.secured()
        environment = os.environ | {"HOME": str(tmp_path), "KUBECONFIG": str(config)}
        yield Helm([str(helm)], environment, chart, there)
        group.cancel_scope.cancel()


async def test_a_chart_is_installed_upgraded_rolled_back_and_uninstalled(h: Helm) -> None:
    assert "STATUS: deployed" in await h(f"install shop {h.chart} --wait --timeout 30s")
    first = await h.there.client.get(Job, "shop-migrate", namespace="default")
    assert first.status.succeeded == 1
    await h(f"upgrade shop {h.chart} --set colour=blue,replicas=2 --wait --timeout 30s")
    again = await h.there.client.get(Job, "shop-migrate", namespace="default")
    assert again.metadata.uid != first.metadata.uid
    assert (await h.colour(), await h.replicas()) == ("blue", 2)
    await h("rollback shop 1 --wait --timeout 30s")
    assert (await h.colour(), await h.replicas()) == ("red", 1)
    assert await h.history() == [(1, "superseded"), (2, "superseded"), (3, "deployed")]
    assert "kind: Deployment" in await h("get manifest shop")
    assert json.loads(await h("list -o json"))[0]["name"] == "shop"
    await h("uninstall shop --wait --timeout 30s")
    assert not (await h.there.client.list(Secret, namespace="default")).items
    assert not (await h.there.client.list(Deployment, namespace="default")).items


async def test_a_hook_that_fails_fails_the_installation(h: Helm) -> None:
    code, said = await h.run(f"install shop {h.chart} --set migration=fails --timeout 20s")
    assert code == 1
    assert "pre-install" in said
    assert await h.history() == [(1, "failed")]
    assert not (await h.there.client.list(Deployment, namespace="default")).items
