"""What may be wrong with a Pod's spec beyond its fields' types, in Kubernetes' words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.causes import duplicate, forbidden, invalid_value, not_supported, required
from upright.openapi.core_v1.container_problems import container_problems
from upright.openapi.names import config_key_trouble, dns_label_trouble, label_key_trouble, label_value_trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upright.openapi.core_v1.container import Container
    from upright.openapi.core_v1.pod_spec import PodSpec, PodTemplateSpec
    from upright.openapi.core_v1.volume import KeyToPath, Volume
    from upright.openapi.errors import Cause

RESTART_POLICIES = ("Always", "OnFailure", "Never")


def template_problems(
    template: PodTemplateSpec, at: str, restart_policies: tuple[str, ...] = RESTART_POLICIES
) -> Iterator[Cause]:
    """Yield what is wrong with a workload's template; workloads allow only some restart policies."""
    yield from label_problems(template.metadata.labels, f"{at}.metadata.labels")
    yield from pod_spec_problems(template.spec, f"{at}.spec", restart_policies)


def label_problems(labels: Mapping[str, str], at: str) -> Iterator[Cause]:
    """Yield the labels that cannot be."""
    for key, value in labels.items():
        if trouble := label_key_trouble(key):
            yield invalid_value(at, key, trouble)
        if trouble := label_value_trouble(value):
            yield invalid_value(at, value, trouble)


def pod_spec_problems(spec: PodSpec, at: str, restart_policies: tuple[str, ...] = RESTART_POLICIES) -> Iterator[Cause]:
    """Yield what is wrong with the PodSpec at the path."""
    yield from _volumes(spec.volumes, f"{at}.volumes")
    if not spec.containers:
        yield required(f"{at}.containers")
    yield from _containers(spec, at)
    if (policy := spec.restart_policy or "Always") not in restart_policies:
        yield not_supported(f"{at}.restartPolicy", policy, restart_policies)
    if (grace := spec.termination_grace_period_seconds) is not None and grace < 0:
        yield invalid_value(f"{at}.terminationGracePeriodSeconds", grace, "must be greater than or equal to 0")
    if spec.hostname and (trouble := dns_label_trouble(spec.hostname)):
        yield invalid_value(f"{at}.hostname", spec.hostname, trouble)


def _containers(spec: PodSpec, at: str) -> Iterator[Cause]:
    volumes = {volume.name for volume in spec.volumes}
    names: set[str] = set()
    for part, containers in (("containers", spec.containers), ("initContainers", spec.init_containers)):
        for index, container in enumerate(containers):
            here = f"{at}.{part}[{index}]"
            if container.name and container.name in names:
                yield duplicate(f"{here}.name", container.name)
            names.add(container.name)
            yield from container_problems(container, here, volumes)
            if part == "initContainers":
                yield from _no_probes(container, here)


def _no_probes(container: Container, at: str) -> Iterator[Cause]:
    for word, probe in (
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
    ):
        if probe:
            yield forbidden(f"{at}.{word}", "may not be set for init containers without restartPolicy=Always")


def _volumes(volumes: tuple[Volume, ...], at: str) -> Iterator[Cause]:
    names: set[str] = set()
    for index, volume in enumerate(volumes):
        if volume.name in names:
            yield duplicate(f"{at}[{index}].name", volume.name)
        names.add(volume.name)
        yield from _volume(volume, f"{at}[{index}]")


def _volume(volume: Volume, at: str) -> Iterator[Cause]:
    if not volume.name:
        yield required(f"{at}.name")
    elif trouble := dns_label_trouble(volume.name):
        yield invalid_value(f"{at}.name", volume.name, trouble)
    given = sorted(volume.to_wire().keys() - {"name"})
    if not given:
        yield required(at, "must specify a volume type")
    for extra in given[1:]:
        yield forbidden(f"{at}.{extra}", "may not specify more than 1 volume type")
    if volume.config_map:
        yield from _source(f"{at}.configMap", "name", volume.config_map.name, volume.config_map.items)
    if volume.secret:
        yield from _source(f"{at}.secret", "secretName", volume.secret.secret_name, volume.secret.items)


def _source(at: str, word: str, name: str, items: tuple[KeyToPath, ...]) -> Iterator[Cause]:
    if not name:
        yield required(f"{at}.{word}")
    yield from _items(items, f"{at}.items")


def _items(items: tuple[KeyToPath, ...], at: str) -> Iterator[Cause]:
    for index, item in enumerate(items):
        if trouble := config_key_trouble(item.key):
            yield invalid_value(f"{at}[{index}].key", item.key, trouble)
        if not item.path:
            yield required(f"{at}[{index}].path")
        elif item.path.startswith("/") or ".." in item.path.split("/"):
            yield invalid_value(f"{at}[{index}].path", item.path, "must be a relative path and must not contain '..'")
