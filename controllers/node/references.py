"""Which ConfigMaps and Secrets a pod refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.core_v1.config_map import ConfigMap
from upright.openapi.core_v1.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.core_v1.container import Container
    from upright.openapi.core_v1.pod_spec import PodSpec

Reference = tuple[type[ConfigMap | Secret], str]


def references(spec: PodSpec) -> set[Reference]:
    """Return kind and name of each."""
    found = {reference for one in (*spec.init_containers, *spec.containers) for reference in _of_container(one)}
    for volume in spec.volumes:
        if volume.config_map is not None:
            found.add((ConfigMap, volume.config_map.name))
        if volume.secret is not None:
            found.add((Secret, volume.secret.secret_name))
    return found


def _of_container(container: Container) -> Iterator[Reference]:
    for source in container.env_from:
        if source.config_map_ref is not None:
            yield ConfigMap, source.config_map_ref.name
        if source.secret_ref is not None:
            yield Secret, source.secret_ref.name
    for variable in container.env:
        if (chosen := variable.value_from) is None:
            continue
        if chosen.config_map_key_ref is not None:
            yield ConfigMap, chosen.config_map_key_ref.name
        if chosen.secret_key_ref is not None:
            yield Secret, chosen.secret_key_ref.name
