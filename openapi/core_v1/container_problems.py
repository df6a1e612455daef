"""What may be wrong with a container beyond its fields' types, in Kubernetes' words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.causes import duplicate, forbidden, invalid_value, not_found_value, not_supported, required
from upright.openapi.names import config_key_trouble, dns_label_trouble, env_name_trouble, port_name_trouble
from upright.openapi.quantity import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from upright.openapi.core_v1.container import (
        Container,
        ContainerPort,
        EnvFromSource,
        EnvVar,
        EnvVarSource,
        ResourceRequirements,
        VolumeMount,
    )
    from upright.openapi.core_v1.probe import Probe
    from upright.openapi.core_v1.references import KeySelector
    from upright.openapi.errors import Cause

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PORTS = range(1, 65536)
_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_FIELD_PREFIXES = ("metadata.labels['", "metadata.annotations['")


def container_problems(container: Container, at: str, volumes: Collection[str]) -> Iterator[Cause]:
    """Yield what is wrong with the container at the path; ``volumes`` are the names its mounts may use."""
    if not container.name:
        yield required(f"{at}.name")
    elif trouble := dns_label_trouble(container.name):
        yield invalid_value(f"{at}.name", container.name, trouble)
    if not container.image:
        yield required(f"{at}.image")
    elif container.image != container.image.strip():
        yield invalid_value(f"{at}.image", container.image, "must not have leading or trailing whitespace")
    if container.image_pull_policy and container.image_pull_policy not in PULL_POLICIES:
        yield not_supported(f"{at}.imagePullPolicy", container.image_pull_policy, PULL_POLICIES)
    yield from _ports(container.ports, f"{at}.ports")
    yield from _environment(container, at)
    yield from _mounts(container.volume_mounts, f"{at}.volumeMounts", volumes)
    yield from _resources(container.resources, f"{at}.resources")
    yield from _probes(container, at)


def _ports(ports: tuple[ContainerPort, ...], at: str) -> Iterator[Cause]:
    names: set[str] = set()
    for index, port in enumerate(ports):
        here = f"{at}[{index}]"
        if port.name:
            if trouble := port_name_trouble(port.name):
                yield invalid_value(f"{here}.name", port.name, trouble)
            elif port.name in names:
                yield duplicate(f"{here}.name", port.name)
            names.add(port.name)
        if port.container_port not in PORTS:
            yield invalid_value(f"{here}.containerPort", port.container_port, "must be between 1 and 65535, inclusive")
        if port.protocol not in {"TCP", "UDP", "SCTP", ""}:
            yield not_supported(f"{here}.protocol", port.protocol, ("SCTP", "TCP", "UDP"))


def _environment(container: Container, at: str) -> Iterator[Cause]:
    for index, variable in enumerate(container.env):
        yield from _variable(variable, f"{at}.env[{index}]")
    for index, source in enumerate(container.env_from):
        yield from _env_from(source, f"{at}.envFrom[{index}]")


def _variable(variable: EnvVar, at: str) -> Iterator[Cause]:
    if not variable.name:
        yield required(f"{at}.name")
    elif trouble := env_name_trouble(variable.name):
        yield invalid_value(f"{at}.name", variable.name, trouble)
    if variable.value_from is not None:
        if variable.value:
            yield invalid_value(f"{at}.valueFrom", "", "may not be specified when `value` is not empty")
        yield from _source(variable.value_from, f"{at}.valueFrom")


def _source(source: EnvVarSource, at: str) -> Iterator[Cause]:
    given = [name for name in type(source).model_fields if getattr(source, name) is not None]
    if not given:
        yield invalid_value(
            at, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef`"
        )
    if len(given) > 1:
        yield invalid_value(at, "", "may not have more than one field specified at a time")
    yield from _key(source.config_map_key_ref, f"{at}.configMapKeyRef")
    yield from _key(source.secret_key_ref, f"{at}.secretKeyRef")
    if source.field_ref:
        path = source.field_ref.field_path
        if path not in _FIELDS and not (path.startswith(_FIELD_PREFIXES) and path.endswith("']")):
            yield not_supported(f"{at}.fieldRef.fieldPath", path, _FIELDS)


def _key(ref: KeySelector | None, at: str) -> Iterator[Cause]:
    if ref is None:
        return
    if not ref.name:
        yield required(f"{at}.name")
    if not ref.key:
        yield required(f"{at}.key")
    elif trouble := config_key_trouble(ref.key):
        yield invalid_value(f"{at}.key", ref.key, trouble)


def _env_from(source: EnvFromSource, at: str) -> Iterator[Cause]:
    given = [one for one in (source.config_map_ref, source.secret_ref) if one is not None]
    if not given:
        yield invalid_value(at, "", "must specify one of: `configMapRef` or `secretRef`")
    if len(given) > 1:
        yield invalid_value(at, "", "may not have more than one field specified at a time")
    for name, ref in (("configMapRef", source.config_map_ref), ("secretRef", source.secret_ref)):
        if ref is not None and not ref.name:
            yield required(f"{at}.{name}.name")


def _mounts(mounts: tuple[VolumeMount, ...], at: str, volumes: Collection[str]) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        here = f"{at}[{index}]"
        if not mount.name:
            yield required(f"{here}.name")
        elif mount.name not in volumes:
            yield not_found_value(f"{here}.name", mount.name)
        if not mount.mount_path:
            yield required(f"{here}.mountPath")
        elif mount.mount_path in seen:
            yield invalid_value(f"{here}.mountPath", mount.mount_path, "must be unique")
        seen.add(mount.mount_path)
        if mount.sub_path.startswith("/") or ".." in mount.sub_path.split("/"):
            yield invalid_value(f"{here}.subPath", mount.sub_path, "must be a relative path without '..'")


def _resources(resources: ResourceRequirements, at: str) -> Iterator[Cause]:
    for kind, amounts in (("limits", resources.limits), ("requests", resources.requests)):
        for name, amount in amounts.items():
            if parse_quantity(amount) < 0:
                yield invalid_value(f"{at}.{kind}[{name}]", amount, "must be greater than or equal to 0")
            if name not in {"cpu", "memory", "ephemeral-storage"}:
                yield forbidden(
                    f"{at}.{kind}[{name}]", "the embedded cluster has cpu, memory and ephemeral-storage only"
                )
    for name, amount in resources.requests.items():
        limit = resources.limits.get(name)
        if limit is not None and parse_quantity(amount) > parse_quantity(limit):
            yield invalid_value(f"{at}.requests", amount, f"must be less than or equal to {name} limit of {limit}")


def _probes(container: Container, at: str) -> Iterator[Cause]:
    for name, probe in (
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
    ):
        if probe is None:
            continue
        yield from _probe(probe, f"{at}.{name}")
        if name != "readinessProbe" and probe.success_threshold != 1:
            yield invalid_value(f"{at}.{name}.successThreshold", probe.success_threshold, "must be 1")


def _probe(probe: Probe, at: str) -> Iterator[Cause]:
    yield from _handlers(probe, at)
    for word, number in (
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ):
        if number < 0:
            yield invalid_value(f"{at}.{word}", number, "must be greater than or equal to 0")


def _handlers(probe: Probe, at: str) -> Iterator[Cause]:
    handlers = {"exec": probe.exec, "httpGet": probe.http_get, "tcpSocket": probe.tcp_socket, "grpc": probe.grpc}
    given = [name for name, handler in handlers.items() if handler is not None]
    if not given:
        yield required(at, "must specify a handler type")
    for extra in given[1:]:
        yield forbidden(f"{at}.{extra}", "may not specify more than 1 handler type")
    if probe.exec and not probe.exec.command:
        yield required(f"{at}.exec.command")
    for name, handler in (("httpGet", probe.http_get), ("tcpSocket", probe.tcp_socket)):
        if handler:
            yield from _port(handler.port, f"{at}.{name}.port")
    if probe.http_get and probe.http_get.scheme not in {"HTTP", "HTTPS", ""}:
        yield not_supported(f"{at}.httpGet.scheme", probe.http_get.scheme, ("HTTP", "HTTPS"))


def _port(port: int | str, at: str) -> Iterator[Cause]:
    if isinstance(port, int):
        if port not in PORTS:
            yield invalid_value(at, port, "must be between 1 and 65535, inclusive")
    elif trouble := port_name_trouble(port):
        yield invalid_value(at, port, trouble)
