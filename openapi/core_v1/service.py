"""Service: a name and an address for the ready Pods that a selector finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from upright.openapi.causes import duplicate, forbidden, invalid_value, not_supported, required
from upright.openapi.core_v1.container_problems import PORTS
from upright.openapi.core_v1.merge_keys import EVERY_OBJECT
from upright.openapi.core_v1.pod_problems import label_problems
from upright.openapi.embedded import EmbeddedObject, Harmless, Refused, Unimplemented
from upright.openapi.meta import Model, omit
from upright.openapi.names import dns_1035_trouble, dns_label_trouble, port_name_trouble
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.errors import Cause
    from upright.openapi.meta import Json, Object

TYPES = ("ClusterIP", "LoadBalancer", "NodePort")


class ServicePort(Model):
    """A port of the Service, and the Pods' port it leads to (a number, or the name of a container's port)."""

    name: str = omit("")
    protocol: str = omit("")
    app_protocol: str = omit("")
    port: int
    target_port: int | str | None = None
    node_port: Annotated[int, Unimplemented(harmless="no port is opened on the node; use a port forward")] = omit(0)


class ServiceSpec(Model):
    """Which Pods, by which ports; ``clusterIP`` ``None``: no address, the name means the Pods themselves."""

    type: Annotated[
        str,
        Unimplemented(
            accepted=("ClusterIP",), harmless="reached inside the cluster only; from outside use a port forward"
        ),
    ] = omit("")
    selector: dict[str, str] = omit({})
    ports: tuple[ServicePort, ...] = omit(())
    cluster_ip: str = omit("", alias="clusterIP")
    cluster_ips: tuple[str, ...] = omit((), alias="clusterIPs")
    publish_not_ready_addresses: bool = omit(default=False)
    session_affinity: Annotated[str, Unimplemented(accepted=("None",))] = omit("")
    session_affinity_config: Refused = None
    external_ips: Refused = omit(None, alias="externalIPs")
    external_name: Refused = None
    allocate_load_balancer_node_ports: Harmless = None
    external_traffic_policy: Annotated[str, Unimplemented(("Cluster",), "has no effect in the embedded cluster")] = (
        omit("")
    )
    health_check_node_port: Harmless = None
    internal_traffic_policy: Annotated[str, Unimplemented(("Cluster",), "has no effect in the embedded cluster")] = (
        omit("")
    )
    ip_families: Annotated[tuple[str, ...], Unimplemented(accepted=(("IPv4",),))] = omit(())
    ip_family_policy: Annotated[str, Unimplemented(("SingleStack",), "the embedded cluster has IPv4 only")] = omit("")
    load_balancer_class: Harmless = None
    load_balancer_ip: Harmless = omit(None, alias="loadBalancerIP")
    load_balancer_source_ranges: Harmless = None
    traffic_distribution: Harmless = None


class LoadBalancerStatus(Model):
    """Addresses from outside: none here."""


class ServiceStatus(Model):
    """A Service of type LoadBalancer gets no address here."""

    load_balancer: LoadBalancerStatus = LoadBalancerStatus()


def _defaults(body: Json) -> None:
    spec = body.setdefault("spec", {})
    if not isinstance(spec, dict):
        return
    spec["type"] = spec.get("type") or "ClusterIP"
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    for port in spec.get("ports") or ():
        if isinstance(port, dict):
            port["protocol"] = port.get("protocol") or "TCP"
            if not port.get("targetPort") and "port" in port:
                port["targetPort"] = port["port"]
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]


def _external(body: Json) -> str | None:
    return "<pending>" if body.get("spec", {}).get("type") == "LoadBalancer" else None


def _ports(body: Json) -> str | None:
    ports = body.get("spec", {}).get("ports") or ()
    return ",".join(f"{port.get('port')}/{port.get('protocol', 'TCP')}" for port in ports) or None


def _selector(body: Json) -> str | None:
    chosen = body.get("spec", {}).get("selector") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(chosen.items())) or None


class Service(EmbeddedObject):
    """A name and an address for the ready Pods that a selector finds."""

    compares = True
    definition: ClassVar[Kind] = Kind(
        "",
        "v1",
        "Service",
        "services",
        short_names=("svc",),
        namespaced=True,
        columns=(
            NAME,
            Column("TYPE", at("spec", "type"), description="ClusterIP, NodePort or LoadBalancer"),
            Column("CLUSTER-IP", at("spec", "clusterIP"), description="The Service's address"),
            Column("EXTERNAL-IP", _external, description="Always none or pending"),
            Column("PORT(S)", _ports, description="The Service's ports"),
            AGE,
            Column("SELECTOR", _selector, description="Labels of its Pods", priority=1),
        ),
        selectable={"spec.type": at("spec", "type"), "spec.clusterIP": at("spec", "clusterIP")},
        kept=(("spec", "clusterIP"), ("spec", "clusterIPs")),
        defaults=_defaults,
        merge_keys={**EVERY_OBJECT, "spec.ports": "port"},
    )

    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()

    @property
    def headless(self) -> bool:
        """Whether the name means the Pods themselves."""
        return self.spec.cluster_ip == "None"

    def problems(self, old: Object | None) -> Iterator[Cause]:
        yield from super().problems(old)
        if self.name and (trouble := dns_1035_trouble(self.name)):
            yield invalid_value("metadata.name", self.name, trouble)
        spec = self.spec
        if spec.type == "ExternalName":
            yield forbidden("spec.type", "ExternalName is not implemented by the embedded cluster")
        elif spec.type not in TYPES:
            yield not_supported("spec.type", spec.type, TYPES)
        yield from label_problems(spec.selector, "spec.selector")
        if not spec.ports and not self.headless:
            yield required("spec.ports")
        yield from _port_problems(spec.ports)
        if isinstance(old, Service) and old.spec.cluster_ip and spec.cluster_ip not in {"", old.spec.cluster_ip}:
            yield invalid_value("spec.clusterIPs[0]", spec.cluster_ip, "may not change once set")


def _port_problems(ports: tuple[ServicePort, ...]) -> Iterator[Cause]:
    names: set[str] = set()
    numbers: set[tuple[int, str]] = set()
    for index, port in enumerate(ports):
        here = f"spec.ports[{index}]"
        if len(ports) > 1 and not port.name:
            yield required(f"{here}.name")
        elif port.name and (trouble := dns_label_trouble(port.name)):
            yield invalid_value(f"{here}.name", port.name, trouble)
        if port.name and port.name in names:
            yield duplicate(f"{here}.name", port.name)
        if port.port not in PORTS:
            yield invalid_value(f"{here}.port", port.port, "must be between 1 and 65535, inclusive")
        if (port.port, port.protocol) in numbers:
            yield duplicate(here, port.port)
        yield from _target(port, here)
        names.add(port.name)
        numbers.add((port.port, port.protocol))


def _target(port: ServicePort, at_: str) -> Iterator[Cause]:
    if port.protocol in {"UDP", "SCTP"}:
        yield forbidden(f"{at_}.protocol", f"{port.protocol} is not implemented by the embedded cluster, only TCP")
    elif port.protocol not in {"TCP", ""}:
        yield not_supported(f"{at_}.protocol", port.protocol, ("SCTP", "TCP", "UDP"))
    target = port.target_port
    if isinstance(target, int) and target not in PORTS:
        yield invalid_value(f"{at_}.targetPort", target, "must be between 1 and 65535, inclusive")
    if isinstance(target, str) and (trouble := port_name_trouble(target)):
        yield invalid_value(f"{at_}.targetPort", target, trouble)
