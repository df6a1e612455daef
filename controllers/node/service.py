"""Services: gives each an address, and has its name and address lead to its ready pods."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import anyio

from upright.controllers.node.endpoints import backends, selected, selects
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.informer import key_of
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from upright.controllers.node.addresses import Addresses
    from upright.controllers.node.dns import Zone
    from upright.controllers.node.event_queue import EventQueue
    from upright.controllers.node.service_proxy import ServiceProxy
    from upright.controllers.runtime.queue import Key
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object


class ServiceController(Controller[Service]):
    """Publishes Services in the name server and the proxy."""

    kind = Service

    def __init__(self, proxy: ServiceProxy, zone: Zone, addresses: Addresses, events: EventQueue) -> None:
        self._proxy = proxy
        self._zone = zone
        self._addresses = addresses
        self._events = events

    def watches(self) -> Iterable[Watch]:
        yield Watch(Pod, self._concerned)

    def _concerned(self, pod: Object) -> Iterable[Key]:
        if isinstance(pod, Pod):
            for service in self.caches.of(Service).all():
                if selects(service, pod):
                    yield key_of(service)

    async def reconcile(self, turn: Turn[Service]) -> Outcome:
        service = turn.obj
        owner = service.metadata.uid
        turn.tasks.ensure("published", owner, partial(self._hold, service))
        if service.headless:
            ready = [pod.status.pod_ip for pod in selected(service, turn.all(Pod))]
            self._zone.publish(service.name, service.metadata.namespace, ready, owner)
        elif not service.spec.cluster_ip:
            address = self._addresses.of(owner)
            await turn.client.patch(service, {"spec": {"clusterIP": address, "clusterIPs": [address]}})
        else:
            self._lead(service, turn.all(Pod))
        return Outcome()

    def _lead(self, service: Service, pods: list[Pod]) -> None:
        address, owner = service.spec.cluster_ip, service.metadata.uid
        if not self._is_ours(address):
            told = f"Cluster IP {address} is not within the service CIDR {self._addresses.network}; remove it"
            self._events.tell(service, "Warning", "ClusterIPOutOfRange", told)
            return
        self._addresses.keep(owner, address)
        self._zone.publish(service.name, service.metadata.namespace, [address], owner)
        ports = {(address, port.port): backends(service, port, pods) for port in service.spec.ports}
        self._proxy.publish(owner, ports)

    def _is_ours(self, address: str) -> bool:
        try:
            return IPv4Address(address) in self._addresses.network
        except ValueError:
            return False

    async def _hold(self, service: Service, report: Callable[[Any], None]) -> None:
        """Withdraw the Service when it is gone."""
        del report
        owner = service.metadata.uid
        try:
            await anyio.sleep_forever()
        finally:
            self._proxy.withdraw(owner)
            self._zone.withdraw(service.name, service.metadata.namespace, owner)
            self._addresses.give_back(owner)
