"""EndpointSlices: tell which Pods stand behind a Service; the same as the proxy leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.node.endpoints import selects, target_port
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.informer import key_of
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.references import ObjectReference
from upright.openapi.core_v1.service import Service
from upright.openapi.discovery_v1.endpoint_slice import (
    SERVICE_LABEL,
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
)
from upright.openapi.meta import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from upright.controllers.runtime.queue import Key
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object

MANAGED_LABEL = "endpointslice.kubernetes.io/managed-by"
Ports = tuple[EndpointPort, ...]


def slices(service: Service, pods: Sequence[Pod]) -> list[EndpointSlice]:
    """Return the slices that say where the Service leads: one for each set of ports its Pods resolve to."""
    if not service.spec.selector:
        return []
    by_ports: dict[Ports, list[Endpoint]] = {}
    for pod in sorted(pods, key=lambda pod: pod.name):
        if pod.status.pod_ip and not pod.finished and selects(service, pod):
            by_ports.setdefault(_ports(service, pod), []).append(_endpoint(service, pod))
    groups = by_ports or {(): []}
    return [
        _slice(service, number, ports, found) for number, (ports, found) in enumerate(sorted(groups.items(), key=str))
    ]


def _ports(service: Service, pod: Pod) -> Ports:
    return tuple(_named_ports(service, pod))


def _named_ports(service: Service, pod: Pod) -> Iterator[EndpointPort]:
    for port in service.spec.ports:
        number = target_port(port, pod)
        if number is not None:
            yield EndpointPort(
                name=port.name, protocol=port.protocol or "TCP", port=number, app_protocol=port.app_protocol
            )


def _endpoint(service: Service, pod: Pod) -> Endpoint:
    going = pod.metadata.deletion_timestamp is not None
    serving = pod.ready or service.spec.publish_not_ready_addresses
    return Endpoint(
        addresses=(pod.status.pod_ip,),
        conditions=EndpointConditions(ready=serving and not going, serving=serving, terminating=going),
        node_name=pod.spec.node_name,
        target_ref=ObjectReference(kind="Pod", namespace=pod.metadata.namespace, name=pod.name, uid=pod.metadata.uid),
    )


def _slice(service: Service, number: int, ports: Ports, found: list[Endpoint]) -> EndpointSlice:
    return EndpointSlice(
        metadata=ObjectMeta(
            name=f"{service.name}-{number}",
            generate_name=f"{service.name}-",
            namespace=service.metadata.namespace,
            labels={
                **service.metadata.labels,
                SERVICE_LABEL: service.name,
                MANAGED_LABEL: "endpointslice-controller.k8s.io",
            },
        ),
        endpoints=tuple(found),
        ports=ports,
    )


class EndpointSliceController(Controller[Service]):
    """Keeps the EndpointSlices of Services with a selector."""

    kind = Service
    owns = (EndpointSlice,)

    def watches(self) -> Iterable[Watch]:
        return (Watch(Pod, self._services),)

    def _services(self, pod: Object) -> Iterable[Key]:
        if not isinstance(pod, Pod):
            return ()
        return [key_of(one) for one in self.caches.of(Service).all() if selects(one, pod)]

    async def reconcile(self, turn: Turn[Service]) -> Outcome:
        if turn.obj.metadata.deletion_timestamp is None:
            await turn.apply(slices(turn.obj, turn.all(Pod)), prune=(EndpointSlice,))
        return Outcome()
