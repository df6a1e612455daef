"""The embedded cluster: the same server and runtime with Kubernetes' kinds, and a node agent on the container engine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import anyio

import upright.openapi.apps_v1 as apps
import upright.openapi.batch_v1 as batch
import upright.openapi.coordination_v1 as coordination
import upright.openapi.core_v1 as core
import upright.openapi.discovery_v1 as discovery
from upright import __version__
from upright.apiserver.clock import utc_now
from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.server import Server, Settings
from upright.apiserver.storage.store import Store
from upright.client.client import Client
from upright.controllers.clusters import EMBEDDED_PRODUCT
from upright.controllers.node.agent import NodeAgent
from upright.controllers.node.embedded_cluster import EmbeddedCluster
from upright.controllers.node.eviction import register_eviction
from upright.controllers.node.machine import this_node
from upright.controllers.node.pod_access import PodAccess
from upright.controllers.node.pod_subresources import serve_pods
from upright.controllers.node.scale import register_scale
from upright.controllers.node.workloads import Workloads
from upright.controllers.world.kubernetes import ClusterInfo
from upright.openapi.scheme import discover
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from ipaddress import IPv4Network

    from upright.apiserver.storage.records import Stored
    from upright.controllers.world.engine.protocol import Engine
    from upright.openapi.meta import Json
    from upright.run_folder import RunFolder

CONTEXT = "upright-embedded"
HEADLESS = "None"
KUBERNETES_VERSION = "v1.36.2"


@asynccontextmanager
async def embedded_cluster(
    folder: RunFolder, engine: Engine, labels: Mapping[str, str], name: str
) -> AsyncGenerator[EmbeddedCluster]:
    """Run a cluster on the engine until the context is left; its files go to the run's folder, its things bear the labels."""
    scheme = discover(core, apps, batch, discovery, coordination)
    async with Store.open(str(folder.cluster / "cluster.db"), durable=False) as store:
        registry = Registry(scheme, store, utc_now)
        transport = InProcess(registry)
        client = Client(transport)
        subresources = Subresources()
        settings = Settings(
            folder.cluster, context=CONTEXT, version=KUBERNETES_VERSION, certificates=folder.certificates
        )
        server = Server(registry, [], settings, now=utc_now, subresources=subresources)
        async with anyio.create_task_group() as group:
            await group.start(server.serve)
            agent = NodeAgent(engine, client, utc_now, name=name, labels=labels)
            parts = await group.start(agent.run)
            await forget_addresses(store, parts.network.services.network)
            access = PodAccess(engine, parts.network, client, utc_now)
            serve_pods(access, subresources)
            register_scale(subresources, client)
            register_eviction(subresources, client)
            node = this_node(
                parts.network.host_ip, f"{engine.info.product}://{engine.info.version}", f"v{__version__}", utc_now()
            )
            await group.start(Workloads(client, scheme, utc_now, node, parts.controllers).run)
            group.start_soon(parts.sweep)
            info = ClusterInfo(
                context=CONTEXT,
                namespace="default",
                cluster=CONTEXT,
                product=EMBEDDED_PRODUCT,
                version=KUBERNETES_VERSION,
                arch=engine.info.arch,
                config_path=str(await server.secured()),
            )
            try:
                yield EmbeddedCluster(transport, scheme, access, info)
            finally:
                group.cancel_scope.cancel()


async def forget_addresses(store: Store, network: IPv4Network) -> None:
    """Free the Services of a cluster that is resumed of addresses in a network that is gone; they get new ones."""

    def without(current: Stored) -> Json:
        kept = {key: value for key, value in current.body["spec"].items() if key not in {"clusterIP", "clusterIPs"}}
        return {**current.body, "spec": kept}

    for stored in store.list("services")[0]:
        address = stored.body["spec"].get("clusterIP") or HEADLESS
        if address != HEADLESS and IPv4Address(address) not in network:
            await store.update(stored.address, without)
