"""EndpointSlice: the Pods behind a Service, and which of them are ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.core_v1.merge_keys import EVERY_OBJECT
from upright.openapi.core_v1.references import ObjectReference
from upright.openapi.embedded import EmbeddedObject
from upright.openapi.meta import Model, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from upright.openapi.meta import Json

SERVICE_LABEL = "kubernetes.io/service-name"


class EndpointConditions(Model):
    """``serving``: passes its readiness probe; ``ready``: and is not being deleted."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Model):
    """One Pod."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    hostname: str = omit("")
    target_ref: ObjectReference | None = None
    node_name: str = omit("")
    zone: str = omit("")


class EndpointPort(Model):
    """The Pods' port that one of the Service's ports leads to."""

    name: str = ""
    protocol: str = "TCP"
    port: int | None = None
    app_protocol: str = omit("")


def _ports(body: Json) -> str | None:
    return ",".join(str(one.get("port")) for one in body.get("ports") or ()) or None


def _endpoints(body: Json) -> str | None:
    addresses = [address for one in body.get("endpoints") or () for address in one.get("addresses") or ()]
    more = f" + {len(addresses) - 3} more..." if len(addresses) > 3 else ""
    return ",".join(addresses[:3]) + more if addresses else None


class EndpointSlice(EmbeddedObject):
    """The Pods behind a Service, and which of them are ready."""

    definition: ClassVar[Kind] = Kind(
        "discovery.k8s.io",
        "v1",
        "EndpointSlice",
        "endpointslices",
        categories=(),
        namespaced=True,
        status=False,
        columns=(
            NAME,
            Column("ADDRESSTYPE", at("addressType"), description="Always IPv4"),
            Column("PORTS", _ports, description="Ports of the Pods"),
            Column("ENDPOINTS", _endpoints, description="Addresses of the Pods"),
            AGE,
        ),
        immutable=(("addressType",),),
        merge_keys=EVERY_OBJECT,
    )

    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = omit(())
