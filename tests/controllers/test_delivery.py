"""Images on their way to a cluster: which way."""

from __future__ import annotations

import pytest

from upright.controllers.delivery import Way, is_known, way_to
from upright.controllers.world.engine.protocol import EngineInfo
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

HOST = EngineInfo(
    product="dockerd", version="1", api_version="1.44", arch="amd64", address="unix:///var/run/docker.sock"
)
PRIVATE = EngineInfo(
    product="dockerd", version="1", api_version="1.44", arch="amd64", address="unix:///x", private=True
)
AFAR = EngineInfo(product="dockerd", version="1", api_version="1.44", arch="amd64", address="tcp://10.0.0.1:2376")
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
        (cluster("docker-desktop", runtime="docker"), "push", AFAR, Way("push")),
        (cluster("docker-desktop"), "push", HOST, Way("push")),
    ],
)
def test_images_get_to_a_cluster_as_it_can_have_them(to: Cluster, needs: str, engine: EngineInfo, way: Way) -> None:
    assert way_to(to, needs, engine, {}) == way


def test_minikube_has_what_is_built_where_its_docker_is_used() -> None:
    to = cluster("minikube", runtime="docker")
    assert way_to(to, "push", HOST, {"MINIKUBE_ACTIVE_DOCKERD": "minikube-shop"}) == Way("nothing")
    loaded = Way("load", product="minikube", name="minikube-shop")
    assert way_to(to, "push", HOST, {"MINIKUBE_ACTIVE_DOCKERD": "another"}) == loaded
    assert way_to(to, "push", HOST, {}) == loaded


def test_the_way_is_not_known_before_the_cluster_is_reached() -> None:
    assert not is_known(cluster("kind"))
    assert is_known(cluster("upright", embedded=True))
