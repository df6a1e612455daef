"""Whole runs whose images go to a registry: of a cluster behind a kubeconfig, from an engine that is there already."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from tests.controllers.real_registry import Registry, docker_config, docker_registry
from tests.controllers.world.remote import remote

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.controllers.world.remote import Remote
    from tests.e2e.project import Outcome, Project
    from tests.engines import RunningEngine
    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]

POD: Json = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "toolbox"}]}
JOB: Json = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"suspend": True, "template": {"spec": POD}},
}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@dataclass(frozen=True)
class Place:
    """A project that deploys to a cluster which says where its registry is."""

    project: Project
    registry: Registry
    there: Remote
    folder: Path

    async def ci(self, *, login: str = "") -> Outcome:
        """Run with these credentials, or none."""
        address = self.registry.address if login else ""
        known = docker_config(self.folder / "docker", address, login)
        project = replace(self.project, environ={**self.project.environ, "DOCKER_CONFIG": known["DOCKER_CONFIG"]})
        return await anyio.to_thread.run_sync(lambda: project.ci("--cluster=auto"))


@asynccontextmanager
async def placed(project: Project, engine: RunningEngine, folder: Path) -> AsyncGenerator[Place]:
    namespace = engine.info.network_namespace or ""
    with docker_registry(folder / "registry", namespace, users=True) as registry:
        async with remote(folder / "cluster") as there:
            text = json.dumps({"host": registry.address, "hostFromContainerRuntime": "reg:5000"})
            async with there.reached(folder) as cluster:
                await cluster.apply(
                    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-public"}}, namespace=""
                )
                made: Json = {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": "local-registry-hosting"},
                    "data": {"localRegistryHosting.v1": text},
                }
                await cluster.apply(made, namespace="kube-public")
            environ = {"KUBECONFIG": str(there.kubeconfig), "DOCKER_HOST": engine.info.address}
            project.tiltfile("allow_k8s_contexts(k8s_context())\n", JOB)
            yield Place(replace(project, environ=environ), registry, there, folder)


async def test_an_image_is_built_pushed_and_named_and_by_the_next_run_neither(
    project: Project, private_dockerd: RunningEngine, tmp_path: Path, kubectl: Path
) -> None:
    (tmp_path / "cluster").mkdir()
    async with placed(project, private_dockerd, tmp_path) as place:
        outcome = await place.ci(login="me:s3cret")
        assert outcome.code == 0, str(outcome)
        (tag,) = place.registry.tags("toolbox")
        assert f"STEP — Pushing {place.registry.address}/toolbox:{tag}" in outcome.out
        assert "     Why: no earlier build of it is known here" in outcome.out
        asked = ["--kubeconfig", str(place.there.kubeconfig), "get", "job/web", "-o=jsonpath={..image}"]
        said = await anyio.run_process([str(kubectl), *asked])
        assert said.stdout.decode() == f"reg:5000/toolbox:{tag}"
        again = await place.ci(login="me:s3cret")
        assert again.code == 0, str(again)
        assert "     Not built: nothing changed since it was built" in again.out
        assert f"     Not pushed: {place.registry.address}/toolbox:{tag} is in the registry already" in again.out


async def test_a_push_that_is_refused_has_a_card_that_says_what_to_do(
    project: Project, private_dockerd: RunningEngine, tmp_path: Path
) -> None:
    (tmp_path / "cluster").mkdir()
    async with placed(project, private_dockerd, tmp_path) as place:
        outcome = await place.ci()
        assert outcome.code == 1, str(outcome)
        card = await anyio.to_thread.run_sync(lambda: outcome.card)
        assert (card["rule"], card["path"]) == ("push-failed", ["DockerImage/web:toolbox"])
        message = card["message"]
        assert message.startswith(f'bringing toolbox to the cluster: cannot push "{place.registry.address}/toolbox:')
        assert message.endswith(f"nobody is logged in: log in with `docker login {place.registry.address}`")
        assert place.registry.tags("toolbox") == set()
