from __future__ import annotations

from upright.controllers.world.kube_registry import annotated, hosting, microk8s
from upright.openapi.v1alpha1.cluster import RegistryHosting


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
