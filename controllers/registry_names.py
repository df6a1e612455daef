"""What an image is called on its way to a cluster: as this machine pushes it and as the cluster pulls it; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers import images

if TYPE_CHECKING:
    from upright.openapi.v1alpha1.cluster import RegistryHosting

_ESCAPED = re.compile(r"[/:@]")
_LONGEST_TAG = 128


class Names(Struct, frozen=True):
    """An image's name here and in the cluster; they differ where the cluster reaches the registry by another host."""

    local: str
    cluster: str


def names(reference: str, registry: RegistryHosting | None) -> Names:
    """Return the names of a built image (``repository:tag``) with that registry, as Tilt makes them.

    A repository that begins with the registry's host is left as it is.
    """
    if registry is None or not registry.host:
        return Names(reference, reference)
    repository, tag = images.split(reference)
    from_cluster = registry.host_from_container_runtime or registry.host
    name = _within(repository, registry.host)
    if name is None and registry.single_name:
        name = registry.single_name
        tag = f"{escaped(images.familiar(repository).rpartition('/')[2])}-{tag}"[-_LONGEST_TAG:].lstrip("-.")
    elif name is None:
        name = escaped(images.familiar(repository))
    return Names(f"{registry.host}/{name}:{tag}", f"{from_cluster}/{name}:{tag}")


def escaped(name: str) -> str:
    """Return the name as one path segment."""
    return _ESCAPED.sub("_", name)


def _within(repository: str, host: str) -> str | None:
    """Return what follows the host if the repository is on it already."""
    return repository.removeprefix(f"{host}/") if repository.startswith(f"{host}/") else None
