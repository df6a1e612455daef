"""Images on their way to a cluster: which way, and a push to Debian's docker-registry from a private engine."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.engines import IMAGE, RunningEngine
from upright.controllers.delivery import Delivery, DeliveryFailed, Way, is_known, way_to
from upright.controllers.engines import Engines
from upright.controllers.node.network import Network
from upright.controllers.world.engine.protocol import EngineInfo
from upright.controllers.world.processes import LocalProcesses
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import (
    Cluster,
    ClusterConnection,
    ClusterConnectionStatus,
    ClusterSpec,
    ClusterStatus,
    KubernetesConnection,
    KubernetesConnectionStatus,
    RegistryHosting,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from upright.controllers.world.engine.docker_engine import DockerEngine

HOST = EngineInfo(
    product="dockerd", version="1", api_version="1.44", arch="amd64", address="unix:///var/run/docker.sock"
)
PRIVATE = EngineInfo(
    product="dockerd", version="1", api_version="1.44", arch="amd64", address="unix:///x", private=True
)
REGISTRY = RegistryHosting(host="localhost:5001")


def cluster(
    product: str, registry: RegistryHosting | None = None, *, runtime: str = "containerd", embedded: bool = False
) -> Cluster:
    connection = KubernetesConnection(context="c", embedded=embedded)
    resolved = KubernetesConnectionStatus(context="c", namespace="default", cluster=f"{product}-shop", product=product)
    return Cluster(
        metadata=ObjectMeta(name="default"),
        spec=ClusterSpec(connection=ClusterConnection(kubernetes=connection)),
        status=ClusterStatus(
            registry=registry,
            container_runtime=runtime,
            connection=ClusterConnectionStatus(kubernetes=resolved),
        ),
    )


@pytest.mark.parametrize(
    ("to", "needs", "engine", "way"),
    [
        (cluster("upright", embedded=True), "push", PRIVATE, Way("nothing")),
        (cluster("kind", REGISTRY), "push", HOST, Way("push", REGISTRY)),
        (cluster("kind", REGISTRY), "base-image", HOST, Way("nothing")),
        (cluster("kind"), "push", HOST, Way("load", product="kind", name="shop")),
        (cluster("k3d"), "", HOST, Way("load", product="k3d", name="shop")),
        (cluster("gke"), "push", HOST, Way("push")),
        (cluster("docker-desktop", runtime="docker"), "push", HOST, Way("nothing")),
        (cluster("docker-desktop", runtime="docker"), "push", PRIVATE, Way("push")),
        (cluster("docker-desktop"), "push", HOST, Way("push")),
    ],
)
def test_images_get_to_a_cluster_as_it_can_have_them(to: Cluster, needs: str, engine: EngineInfo, way: Way) -> None:
    assert way_to(to, needs, engine, {}) == way


def test_minikube_has_what_is_built_where_its_docker_is_used() -> None:
    to = cluster("minikube", runtime="docker")
    assert way_to(to, "push", HOST, {"MINIKUBE_ACTIVE_DOCKERD": "minikube"}) == Way("nothing")
    assert way_to(to, "push", HOST, {}).by == "load"


def test_the_way_is_not_known_before_the_cluster_is_reached() -> None:
    assert not is_known(cluster("kind"))
    assert is_known(cluster("upright", embedded=True))


@dataclass(frozen=True, slots=True)
class Registry:
    address: str


@contextmanager
def docker_registry(folder: Path, namespace: str, users: str = "") -> Generator[Registry]:
    """Run Debian's docker-registry in a network namespace, where a private engine finds it."""
    with Network(namespace).entered(), socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir()
    auth = ""
    if users:
        (folder / "users").write_text(users)
        auth = f"auth: {{htpasswd: {{realm: test, path: {folder}/users}}}}\n"
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n{auth}"
    )
    argv = ["nsenter", f"--net={namespace}"] if namespace else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*argv, "docker-registry", "serve", str(config)], stdout=log, stderr=log)
    try:
        yield Registry(f"127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


def docker_config(folder: Path, address: str, user: str) -> dict[str, str]:
    folder.mkdir()
    auths = {address: {"auth": base64.b64encode(user.encode()).decode()}} if user else {}
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    return {"DOCKER_CONFIG": str(folder), "PATH": os.environ["PATH"]}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


class _Ready(Engines):
    """Engines that is one which runs already."""

    def __init__(self, engine: DockerEngine) -> None:
        self._ready = engine

    async def get(self) -> DockerEngine:
        return self._ready


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize(("users", "known"), [(False, False), (True, True), (True, False)])
async def test_images_are_pushed_to_a_real_registry(
    private_dockerd: RunningEngine, tmp_path: Path, *, users: bool, known: bool
) -> None:
    if not shutil.which("docker-registry"):
        pytest.skip("apt-get install docker-registry apache2-utils")
    namespace = private_dockerd.info.network_namespace or ""
    written = (
        subprocess.run(["htpasswd", "-Bbn", "me", "s3cret"], check=True, capture_output=True, text=True).stdout  # noqa: ASYNC221  reason: nothing else runs
        if users
        else ""
    )
    with docker_registry(tmp_path / "registry", namespace, written) as registry:
        environ = docker_config(tmp_path / "docker", registry.address, "me:s3cret" if known else "")
        to = cluster("kind", RegistryHosting(host=registry.address, host_from_container_runtime="reg:5000"))
        told: list[str] = []
        async with private_dockerd.connected() as engine, LocalProcesses() as processes:
            name = "shop/toolbox:tilt-0123456789abcdef"
            await engine.tag(IMAGE, name)
            delivery = Delivery(_Ready(engine), processes, lambda: environ)
            if users and not known:
                with pytest.raises(DeliveryFailed, match=f"docker login {registry.address}"):
                    await delivery(name, to, "push", told.append)
                return
            sent = await delivery(name, to, "push", told.append)
            assert sent.local == f"{registry.address}/shop_toolbox:tilt-0123456789abcdef"
            assert sent.cluster == "reg:5000/shop_toolbox:tilt-0123456789abcdef"
            assert any(line.endswith(": Pushed") for line in told)
            stored = tmp_path / "registry/data/docker/registry/v2/repositories/shop_toolbox/_manifests/tags"
            assert await anyio.Path(stored / "tilt-0123456789abcdef").exists()
            assert (await delivery(name, to, "push", told.append)) == sent
