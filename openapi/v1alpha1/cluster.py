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
    """The kubeconfig's context; empty: its current one."""
    namespace: str = omit("")
    """Where objects go that name no namespace; empty: what the context says."""
    embedded: bool = omit(default=False)
    """The cluster is the embedded one, and no kubeconfig is read."""


class DockerConnection(Model):
    """A container engine."""

    host: str = omit("")
    """The engine's address, as DOCKER_HOST has it; empty: the usual one."""


class ClusterConnection(Model):
    """Exactly one of the two."""

    kubernetes: KubernetesConnection | None = None
    docker: DockerConnection | None = None


class RegistryHosting(Model):
    """A registry that this machine pushes to and the cluster pulls from."""

    host: str = ""
    """The registry as this machine reaches it, as in localhost:5000."""
    host_from_cluster_network: str = omit("")
    """The registry as pods reach it, if by another name."""
    host_from_container_runtime: str = omit("")
    """The registry as the nodes' container runtime reaches it, if by another name."""
    help: str = omit("")
    """Where to read how this registry is set up."""
    single_name: str = omit("")
    """One repository for all images, which are then told apart by their tags."""


class ClusterSpec(Model):
    """What to connect to, and the Tiltfile's default registry."""

    connection: ClusterConnection | None = None
    default_registry: RegistryHosting | None = None


class KubernetesConnectionStatus(Model):
    """The connection as it was resolved; ``configPath`` is a kubeconfig file of this run."""

    context: str = ""
    """The context that is used."""
    namespace: str = ""
    """Where objects go that name no namespace."""
    cluster: str = ""
    """The kubeconfig's name of the cluster."""
    product: str = omit("")
    """What kind of cluster it is, as far as that can be told: kind, k3d, minikube, …"""
    config_path: str = omit("")
    """A kubeconfig of this run, with this one context."""


class ClusterConnectionStatus(Model):
    """The connection as it was resolved."""

    kubernetes: KubernetesConnectionStatus | None = None


class ClusterStatus(Model):
    """Whether the cluster can be reached, and what it is."""

    arch: str = omit("")
    """The processor architecture of its nodes, as in amd64."""
    error: str = omit("")
    """Why it cannot be reached, or since it was reached what is wrong with it; empty while nothing is."""
    connected_at: MicroTime | None = None
    """When it was reached first."""
    registry: RegistryHosting | None = None
    """The registry in use: the Tiltfile's default, or the one that the cluster itself names."""
    connection: ClusterConnectionStatus | None = None
    version: str = omit("")
    """The version that its API server tells."""
    container_runtime: str = omit("")
    """What its nodes run containers with: containerd, docker, …"""


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
