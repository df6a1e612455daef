"""Where a Service leads: a pure function of it and of the pods, ready ones only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from upright.openapi.core_v1.pod import Pod
    from upright.openapi.core_v1.service import Service, ServicePort


class Backend(NamedTuple):
    """An address of a pod, and the port that is meant."""

    ip: str
    port: int


def selected(service: Service, pods: Iterable[Pod]) -> Iterator[Pod]:
    """Yield the pods that the Service's name may lead to now, in the order of their names."""
    for pod in sorted(pods, key=lambda pod: pod.name):
        wanted = pod.ready or service.spec.publish_not_ready_addresses
        if wanted and pod.active and pod.status.pod_ip and selects(service, pod):
            yield pod


def selects(service: Service, pod: Pod) -> bool:
    """Whether the Service's selector finds the pod; an empty selector finds none."""
    wanted = service.spec.selector
    same = pod.metadata.namespace == service.metadata.namespace
    return same and bool(wanted) and wanted.items() <= pod.metadata.labels.items()


def backends(service: Service, port: ServicePort, pods: Iterable[Pod]) -> tuple[Backend, ...]:
    """Return where the port leads; a pod that has no port of the wanted name is left out."""
    found = ((pod, target_port(port, pod)) for pod in selected(service, pods))
    return tuple(Backend(pod.status.pod_ip, number) for pod, number in found if number is not None)


def target_port(port: ServicePort, pod: Pod) -> int | None:
    """Return the number of the pod's port that a Service's port means; None if a name is meant that it has not."""
    target = port.target_port or port.port
    if isinstance(target, int):
        return target
    for container in pod.spec.containers:
        for candidate in container.ports:
            if candidate.name == target and (candidate.protocol or "TCP") == (port.protocol or "TCP"):
                return candidate.container_port
    return None
