"""A Cluster is connected once and kept; why it cannot be reached is told."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.controllers.fake_kubernetes import FakeKubernetes
from tests.controllers.rooms import Room, now, room
from upright.controllers.cluster import ClusterController
from upright.controllers.clusters import Clusters
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import (
    Cluster,
    ClusterConnection,
    ClusterSpec,
    KubernetesConnection,
    RegistryHosting,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    import pytest

CONNECTION = ClusterConnection(kubernetes=KubernetesConnection(context="fake"))


@asynccontextmanager
async def world(folder: Path, kubernetes: FakeKubernetes) -> AsyncGenerator[tuple[Room, Clusters]]:
    clusters = Clusters()
    async with room(folder, lambda logs: [ClusterController(kubernetes.opened, clusters, logs, now)]) as opened:
        yield opened, clusters


def cluster(**spec: object) -> Cluster:
    return Cluster(
        metadata=ObjectMeta(name="default"), spec=ClusterSpec.model_validate({"connection": CONNECTION, **spec})
    )


async def test_a_cluster_says_what_it_is(tmp_path: Path) -> None:
    kubernetes = FakeKubernetes()
    async with world(tmp_path, kubernetes) as (r, clusters):
        assert clusters.get("") is None
        await r.put(cluster())
        status = (await r.until(Cluster, "default", lambda one: one.status.connected_at)).status
        assert (status.arch, status.version, status.error) == ("amd64", "v1.36.2", "")
        assert status.connection
        assert status.connection.kubernetes
        assert (status.connection.kubernetes.context, status.connection.kubernetes.product) == ("fake", "kind")
        assert clusters.get("") is kubernetes
        assert clusters.get("default") is kubernetes
        assert clusters.get("other") is None


async def test_the_tiltfiles_registry_is_the_clusters_if_it_has_none(tmp_path: Path) -> None:
    registry = RegistryHosting(host="localhost:5001")
    async with world(tmp_path, FakeKubernetes()) as (r, _):
        await r.put(cluster(default_registry=registry))
        connected = await r.until(Cluster, "default", lambda one: one.status.connected_at)
        assert connected.status.registry == registry


async def test_why_a_cluster_cannot_be_reached_is_told(tmp_path: Path) -> None:
    async with world(tmp_path, FakeKubernetes(unreachable="connection refused: is it running?")) as (r, clusters):
        await r.put(cluster())
        status = (await r.until(Cluster, "default", lambda one: one.status.error)).status
        assert (status.error, status.arch) == ("connection refused: is it running?", "")
        assert clusters.get("") is None
        assert r.log("cluster") == ["Cluster status error: connection refused: is it running?"]


async def test_a_cluster_that_is_gone_is_let_go(tmp_path: Path) -> None:
    async with world(tmp_path, FakeKubernetes()) as (r, clusters):
        await r.put(cluster())
        await r.until(Cluster, "default", lambda one: one.status.connected_at)
        await r.client.delete(Cluster, "default")
        await r.settled()
        assert clusters.get("") is None


async def test_another_server_connects_again(tmp_path: Path) -> None:
    async with world(tmp_path, FakeKubernetes()) as (r, _):
        await r.put(cluster())
        first = await r.until(Cluster, "default", lambda one: one.status.connected_at)
    async with world(tmp_path, FakeKubernetes()) as (r, clusters):
        again = await r.until(
            Cluster, "default", lambda one: one.status.connected_at != first.status.connected_at and one.status.arch
        )
        assert again.status.version == first.status.version
        assert clusters.get("") is not None


async def test_a_cluster_that_is_unwell_for_long_says_so_until_it_is_well_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("upright.controllers.cluster.HEALTH_SECONDS", 0.01)
    kubernetes = FakeKubernetes(trouble="cluster not ready: etcd failed")
    async with world(tmp_path, kubernetes) as (r, _):
        await r.put(cluster())
        first = await r.until(Cluster, "default", lambda one: one.status.connected_at)
        told = await r.until(Cluster, "default", lambda one: one.status.error)
        assert told.status.error == "cluster not ready: etcd failed"
        assert told.status.connected_at == first.status.connected_at
        kubernetes.trouble = ""
        well = await r.until(Cluster, "default", lambda one: not one.status.error, told.metadata.resource_version)
        assert well.status.version == "v1.36.2"
        assert r.log("cluster") == ["Cluster status error: cluster not ready: etcd failed", "The cluster is well again"]


async def test_why_sight_is_lost_is_said_once_and_when_it_is_found_again(tmp_path: Path) -> None:
    kubernetes = FakeKubernetes()
    async with world(tmp_path, kubernetes) as (r, clusters):
        await r.put(cluster())
        await r.until(Cluster, "default", lambda one: one.status.connected_at)
        sight = clusters.sight("")
        assert sight
        await sight.watch([("v1", "Pod"), ("v1", "Event")], "default")
        kubernetes.lose_sight("https://x does not answer: connection refused")
        kubernetes.lose_sight()
        since = sight.lost_at
        assert since is not None
        kubernetes.regain_sight()
        assert sight.lost_at is None
        assert r.log("cluster") == [
            "No sight of the cluster: https://x does not answer: connection refused",
            "The cluster is seen again",
        ]
