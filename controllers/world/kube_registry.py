"""The registry that a cluster advertises: KEP-1755's ConfigMap, microk8s' Service, annotations of its node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upright.openapi.errors import Forbidden, NotFound, Unauthorized
from upright.openapi.v1alpha1.cluster import RegistryHosting

if TYPE_CHECKING:
    from upright.controllers.world.kube_connection import KubeConnection
    from upright.openapi.meta import Json

_HOSTING = "/api/v1/namespaces/kube-public/configmaps/local-registry-hosting"
_MICROK8S = "/api/v1/namespaces/container-registry/services/registry"
_KEY = "localRegistryHosting.v1"


async def find_registry(connection: KubeConnection, product: str, node: Json) -> RegistryHosting | None:
    """Return the cluster's local registry, None if it says none; what is not there or not for us says none.

    Raises APIError where nothing can be told: a cluster that falters must not be taken for one without a registry.
    """
    found = hosting(await _read(connection, _HOSTING))
    if found is None and product == "microk8s":
        found = microk8s(await _read(connection, _MICROK8S))
    return found or annotated(node)


async def _read(connection: KubeConnection, path: str) -> Json:
    try:
        return await connection.call("GET", path)
    except (NotFound, Forbidden, Unauthorized):
        return {}


def hosting(config_map: Json) -> RegistryHosting | None:
    """Return what the ConfigMap ``local-registry-hosting`` says; None if it says nothing that we understand."""
    import yaml  # noqa: PLC0415  reason: only where there is such a ConfigMap

    try:
        said: Any = yaml.safe_load((config_map.get("data") or {}).get(_KEY) or "")
    except yaml.YAMLError:
        return None
    if not isinstance(said, dict) or not said.get("host"):
        return None
    return RegistryHosting(
        host=str(said["host"]),
        host_from_cluster_network=str(said.get("hostFromClusterNetwork") or ""),
        host_from_container_runtime=str(said.get("hostFromContainerRuntime") or ""),
        help=str(said.get("help") or ""),
    )


def microk8s(service: Json) -> RegistryHosting | None:
    """Return the registry of microk8s' addon, which listens on a port of the node."""
    ports = (service.get("spec") or {}).get("ports") or ()
    port = next((one["nodePort"] for one in ports if one.get("nodePort")), None)
    return RegistryHosting(host=f"localhost:{port}") if port else None


def annotated(node: Json) -> RegistryHosting | None:
    """Return the registry that the node's annotations name."""
    notes = (node.get("metadata") or {}).get("annotations") or {}
    host = notes.get("tilt.dev/registry") or notes.get("kind.x-k8s.io/registry")
    if not host:
        return None
    return RegistryHosting(host=host, host_from_container_runtime=notes.get("tilt.dev/registry-from-cluster", ""))
