from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.world.remote import remote
from upright.controllers.world.kube_registry import annotated, find_registry, hosting, microk8s
from upright.openapi.errors import Forbidden, NotFound, ServiceUnavailable
from upright.openapi.v1alpha1.cluster import RegistryHosting

if TYPE_CHECKING:
    from pathlib import Path

    from upright.openapi.errors import APIError
    from upright.openapi.meta import Json

HOSTING, SERVICE = "configmaps/local-registry-hosting", "services/registry"
NODE: Json = {"metadata": {"annotations": {"kind.x-k8s.io/registry": "localhost:1"}}}
MICROK8S: Json = {"spec": {"ports": [{"nodePort": 32000}]}}
KEP: Json = {"data": {"localRegistryHosting.v1": "host: localhost:2\nhostFromClusterNetwork: reg:5000"}}


class Answers:
    """A connection to a cluster that has this, by the end of its path."""

    def __init__(self, answers: dict[str, Json | APIError]) -> None:
        self._answers = answers

    async def call(self, _method: str, path: str) -> Json:
        found = next((one for end, one in self._answers.items() if path.endswith(end)), NotFound("not there"))
        if isinstance(found, Exception):
            raise found
        return found


@pytest.mark.parametrize(
    ("answers", "product", "node", "host"),
    [
        ({HOSTING: KEP, SERVICE: MICROK8S}, "microk8s", NODE, "localhost:2"),
        ({SERVICE: MICROK8S}, "microk8s", NODE, "localhost:32000"),
        ({SERVICE: MICROK8S}, "kind", NODE, "localhost:1"),
        ({HOSTING: {"data": {}}}, "kind", NODE, "localhost:1"),
        ({HOSTING: Forbidden("no"), SERVICE: Forbidden("no")}, "microk8s", NODE, "localhost:1"),
        ({}, "gke", {}, ""),
    ],
)
async def test_the_best_that_says_where_the_registry_is_counts(
    answers: dict[str, Json | APIError], product: str, node: Json, host: str
) -> None:
    found = await find_registry(Answers(answers), product, node)  # type: ignore[arg-type]  # the part of it that is used
    assert (found.host if found else "") == host


async def test_a_cluster_that_falters_is_not_taken_for_one_without_a_registry() -> None:
    with pytest.raises(ServiceUnavailable):
        await find_registry(Answers({HOSTING: ServiceUnavailable("etcd")}), "kind", {})  # type: ignore[arg-type]  # as above


async def test_a_cluster_tells_its_registry_over_the_wire(tmp_path: Path) -> None:
    async with remote(tmp_path) as served, served.reached(tmp_path) as cluster:
        assert (await cluster.connect()).registry is None
        meta = {"name": "local-registry-hosting", "namespace": "kube-public"}
        space: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-public"}}
        for one in (space, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **KEP}):
            await cluster.apply(one, namespace="default")
        expected = RegistryHosting(host="localhost:2", host_from_cluster_network="reg:5000")
        assert (await cluster.connect()).registry == expected


def test_the_config_map_of_kep_1755_is_read() -> None:
    text = "host: localhost:5001\nhostFromContainerRuntime: reg:5000\nhelp: https://x\n"
    found = hosting({"data": {"localRegistryHosting.v1": text}})
    assert found == RegistryHosting(host="localhost:5001", host_from_container_runtime="reg:5000", help="https://x")
    assert hosting({"data": {"localRegistryHosting.v2": text}}) is None
    assert hosting({"data": {"localRegistryHosting.v1": "{"}}) is None


def test_microk8s_registry_is_a_port_of_the_node() -> None:
    assert microk8s({"spec": {"ports": [{"nodePort": 32000}]}}) == RegistryHosting(host="localhost:32000")
    assert microk8s({"spec": {"ports": [{"port": 5000}]}}) is None


def test_annotations_of_a_node_name_a_registry() -> None:
    notes = {"tilt.dev/registry": "localhost:5001", "tilt.dev/registry-from-cluster": "reg:5000"}
    found = annotated({"metadata": {"annotations": notes}})
    assert found == RegistryHosting(host="localhost:5001", host_from_container_runtime="reg:5000")
    assert annotated({"metadata": {"annotations": {"kind.x-k8s.io/registry": "localhost:5000"}}}) == RegistryHosting(
        host="localhost:5000"
    )
    assert annotated({}) is None
