"""Node: the machine the Pods run on; there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.core_v1.merge_keys import EVERY_OBJECT
from upright.openapi.embedded import EmbeddedObject, Refused
from upright.openapi.meta import Model, Time, omit
from upright.openapi.quantity import Quantity
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from upright.openapi.meta import Json

NODE_NAME = "upright"
"""The name of the one node."""


class NodeSpec(Model):
    """What may be said of the node: whether new Pods may come."""

    pod_cidr: str = omit("", alias="podCIDR")
    pod_cidrs: tuple[str, ...] = omit((), alias="podCIDRs")
    provider_id: str = omit("", alias="providerID")
    unschedulable: bool = omit(default=False)
    taints: Refused = None
    config_source: Refused = None
    external_id: Refused = omit(None, alias="externalID")
    pod_preemption_policy: Refused = None


class NodeAddress(Model):
    """An address or name of the node."""

    type: str
    address: str


class NodeCondition(Model):
    """Ready, and what else is so of the node."""

    type: str
    status: str
    last_heartbeat_time: Time | None = None
    last_transition_time: Time | None = None
    reason: str = omit("")
    message: str = omit("")


class NodeSystemInfo(Model):
    """The machine, its system and the engine."""

    architecture: str = ""
    boot_id: str = omit("", alias="bootID")
    container_runtime_version: str = ""
    kernel_version: str = ""
    kube_proxy_version: str = ""
    kubelet_version: str = ""
    machine_id: str = omit("", alias="machineID")
    operating_system: str = "linux"
    os_image: str = ""
    system_uuid: str = omit("", alias="systemUUID")


class NodeStatus(Model):
    """What the node has, and what of it Pods may have."""

    capacity: dict[str, Quantity] = omit({})
    allocatable: dict[str, Quantity] = omit({})
    conditions: tuple[NodeCondition, ...] = omit(())
    addresses: tuple[NodeAddress, ...] = omit(())
    node_info: NodeSystemInfo = NodeSystemInfo()


def _status(body: Json) -> str:
    conditions = body.get("status", {}).get("conditions") or ()
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    word = "Ready" if ready else "NotReady"
    return f"{word},SchedulingDisabled" if body.get("spec", {}).get("unschedulable") else word


def _roles(body: Json) -> str | None:
    prefix = "node-role.kubernetes.io/"
    labels = body.get("metadata", {}).get("labels") or {}
    return ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))) or None


def _address(body: Json) -> str | None:
    addresses = body.get("status", {}).get("addresses") or ()
    return next((one.get("address") for one in addresses if one.get("type") == "InternalIP"), None)


class Node(EmbeddedObject):
    """The machine the Pods run on."""

    definition: ClassVar[Kind] = Kind(
        "",
        "v1",
        "Node",
        "nodes",
        short_names=("no",),
        categories=(),
        columns=(
            NAME,
            Column("STATUS", _status, description="Ready or NotReady"),
            Column("ROLES", _roles, description="What the node is for"),
            AGE,
            Column("VERSION", at("status", "nodeInfo", "kubeletVersion"), description="Version of the node agent"),
            Column("INTERNAL-IP", _address, description="The node's address", priority=1),
            Column("EXTERNAL-IP", lambda _: None, description="Always none", priority=1),
            Column("OS-IMAGE", at("status", "nodeInfo", "osImage"), description="The node's system", priority=1),
            Column("KERNEL-VERSION", at("status", "nodeInfo", "kernelVersion"), description="Its kernel", priority=1),
            Column(
                "CONTAINER-RUNTIME",
                at("status", "nodeInfo", "containerRuntimeVersion"),
                description="Its engine",
                priority=1,
            ),
        ),
        selectable={"spec.unschedulable": at("spec", "unschedulable")},
        merge_keys={**EVERY_OBJECT, "status.addresses": "type"},
    )

    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()
