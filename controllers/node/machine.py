"""The node as an object: this machine, with its cpus and memory."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from typing import TYPE_CHECKING

from upright.openapi.core_v1.node import (
    NODE_NAME,
    Node,
    NodeAddress,
    NodeCondition,
    NodeStatus,
    NodeSystemInfo,
)
from upright.openapi.errors import AlreadyExists
from upright.openapi.meta import ObjectMeta

if TYPE_CHECKING:
    from datetime import datetime

    from upright.client.client import Client

PODS = 250
"""How many Pods the node takes."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def this_node(address: str, engine: str, version: str, now: datetime) -> Node:
    """Return the node: ``engine`` such as ``docker://20.10``, ``version`` of the node agent."""
    cpus = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    room = {"cpu": str(cpus), "memory": f"{memory}Ki", "ephemeral-storage": "1Ti", "pods": str(PODS)}
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    labels = {
        "kubernetes.io/hostname": NODE_NAME,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": architecture,
    }
    ready = NodeCondition(
        type="Ready",
        status="True",
        reason="KubeletReady",
        message="the node agent is ready",
        last_heartbeat_time=now,
        last_transition_time=now,
    )
    return Node(
        metadata=ObjectMeta(name=NODE_NAME, labels=labels),
        status=NodeStatus(
            capacity=room,
            allocatable=room,
            conditions=(ready,),
            addresses=(
                NodeAddress(type="InternalIP", address=address),
                NodeAddress(type="Hostname", address=NODE_NAME),
            ),
            node_info=NodeSystemInfo(
                architecture=architecture,
                container_runtime_version=engine,
                kernel_version=platform.release(),
                kubelet_version=version,
                kube_proxy_version=version,
                os_image=platform.platform(terse=True),
            ),
        ),
    )


async def ensure_node(client: Client, node: Node) -> None:
    """Have the node in the cluster with this status; one from an earlier start is brought up to date."""
    with suppress(AlreadyExists):
        await client.create(node)
    there = await client.get(Node, node.name)
    await client.update_status(there.model_copy(update={"status": node.status}))
