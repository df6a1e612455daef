"""Cluster: where things are deployed, and whether it can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from upright.openapi.meta import Json


class KubernetesConnection(Model):
    """A kubeconfig context, or the embedded cluster."""

    context: str = omit("")
    namespace: str = omit("")
    embedded: bool = omit(default=False)


class DockerConnection(Model):
    """A container engine."""

    host: str = omit("")


class ClusterConnection(Model):
    """Exactly one of the two."""

    kubernetes: KubernetesConnection | None = None
    docker: DockerConnection | None = None


class RegistryHosting(Model):
    """A registry that this machine pushes to and the cluster pulls from."""

    host: str = ""
    host_from_cluster_network: str = omit("")
    host_from_container_runtime: str = omit("")
    help: str = omit("")
    single_name: str = omit("")


class ClusterSpec(Model):
    """What to connect to, and the Tiltfile's default registry."""

    connection: ClusterConnection | None = None
    default_registry: RegistryHosting | None = None


class KubernetesConnectionStatus(Model):
    """The connection as it was resolved; ``configPath`` is a kubeconfig file of this run."""

    context: str = ""
    namespace: str = ""
    cluster: str = ""
    product: str = omit("")
    config_path: str = omit("")


class ClusterConnectionStatus(Model):
    """The connection as it was resolved."""

    kubernetes: KubernetesConnectionStatus | None = None


class ClusterStatus(Model):
    """Whether the cluster can be reached, and what it is."""

    arch: str = omit("")
    error: str = omit("")
    connected_at: MicroTime | None = None
    registry: RegistryHosting | None = None
    connection: ClusterConnectionStatus | None = None
    version: str = omit("")
    container_runtime: str = omit("")


def _product(body: Json) -> str:
    status = body.get("status", {})
    resolved = (status.get("connection") or {}).get("kubernetes") or {}
    return resolved.get("product") or resolved.get("context") or ""


class Cluster(Object):
    """Where things are deployed, and whether it can be reached."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "Cluster",
        "clusters",
        columns=(
            NAME,
            Column("PRODUCT", _product, description="What kind of cluster it is"),
            Column("VERSION", at("status", "version"), description="Its Kubernetes version"),
            Column("REGISTRY", at("status", "registry", "host"), description="Its registry"),
            Column("ERROR", at("status", "error"), description="Why it cannot be reached"),
            AGE,
        ),
    )

    spec: ClusterSpec = ClusterSpec()
    status: ClusterStatus = ClusterStatus()
