"""The clusters that are connected now, by the name of their Cluster object: handles, which may be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upright.controllers.sight import Sight
    from upright.controllers.world.kubernetes import Kubernetes

DEFAULT_CLUSTER = "default"
EMBEDDED_PRODUCT = "upright"
DOCKER_CLUSTER = "docker"
"""The Cluster that Compose services run on: the container engine."""


class Clusters:
    """Connected clusters, each with what is seen of it; the Cluster controller puts them in and takes them out."""

    def __init__(self) -> None:
        self._connected: dict[str, tuple[Kubernetes, Sight]] = {}

    def put(self, name: str, kubernetes: Kubernetes, sight: Sight) -> None:
        """Record a connection."""
        self._connected[name] = (kubernetes, sight)

    def remove(self, name: str) -> None:
        """Forget a connection."""
        self._connected.pop(name, None)

    def get(self, name: str) -> Kubernetes | None:
        """Return the cluster, or None while it is not connected; an empty name means ``default``."""
        found = self._connected.get(name or DEFAULT_CLUSTER)
        return found[0] if found else None

    def sight(self, name: str) -> Sight | None:
        """Return what is seen of the cluster, or None while it is not connected."""
        found = self._connected.get(name or DEFAULT_CLUSTER)
        return found[1] if found else None
