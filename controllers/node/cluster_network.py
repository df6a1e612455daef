"""The network of a cluster's pods: one bridge, half of its addresses for pods, half for Services."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from msgspec import Struct

from upright.controllers.node.addresses import Addresses
from upright.controllers.node.network import Network
from upright.controllers.world.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from upright.controllers.world.engine.protocol import Engine
    from upright.controllers.world.engine.protocol import Network as EngineNetwork

RESERVED_FOR_BRIDGE = 4
RESERVED_FOR_NAME_SERVER = 11
NAME_SERVER = 10
CANDIDATES = tuple(IPv4Network(f"10.{second}.0.0/16") for second in (*range(77, 128), *range(128, 250)))
INTERFACE_CHARACTERS = 15
PREFIX = "upr-"
END_SECONDS = 30.0
LOOPBACK = "lo"


class ClusterNetwork(Struct, frozen=True):
    """Where a cluster's pods and Services are; ``host_ip`` is our own address there."""

    name: str
    host_ip: str
    dns_ip: str
    pods: Addresses
    services: Addresses
    network: Network


@asynccontextmanager
async def cluster_network(engine: Engine, name: str, labels: Mapping[str, str]) -> AsyncGenerator[ClusterNetwork]:
    """Make the network; in the end everything with the labels goes. Raises EngineError where pods cannot be reached from here."""
    namespace = engine.info.network_namespace
    if namespace is None:
        raise EngineError(
            f"the engine at {engine.info.address} is not on this machine's network, so pods cannot be reached: "
            "use a real cluster (--cluster=CONTEXT) or an engine of this machine (--engine=dockerd)"
        )
    network = Network(namespace)
    made = await _make(engine, name, labels, network)
    try:
        yield _lay_out(made, network, private=engine.info.private)
    finally:
        with anyio.move_on_after(END_SECONDS, shield=True), suppress(EngineError):
            await engine.reap(labels)


async def _make(engine: Engine, name: str, labels: Mapping[str, str], network: Network) -> EngineNetwork:
    for there in await engine.networks(labels):
        if there.name == name:
            return there
    taken = [*routes(_route_table(network)), *routes(_route_table(Network()))]
    interface = PREFIX + name[len(PREFIX) - INTERFACE_CHARACTERS :].lstrip("-")
    last = EngineError("no private address range is free for the pods: 10.77.0.0/16 to 10.249.0.0/16 are all routed")
    for candidate in CANDIDATES:
        if any(candidate.overlaps(route) for route in taken):
            continue
        try:
            return await engine.create_network(name, labels=labels, subnet=str(candidate), interface=interface)
        except EngineError as error:
            if "overlap" not in error.message:
                raise
            last = error
    raise last


def _lay_out(made: EngineNetwork, network: Network, *, private: bool) -> ClusterNetwork:
    pods, services = IPv4Network(made.subnet).subnets()
    interface = LOOPBACK if private and network.namespace else made.interface  # podman makes its bridge late
    try:
        network.take_range(services, interface)
    except OSError as error:
        raise EngineError(f"Services cannot have addresses on {interface}: {error}; are you root?") from error
    return ClusterNetwork(
        name=made.name,
        host_ip=made.gateway,
        dns_ip=str(services[NAME_SERVER]),
        pods=Addresses(pods, reserved=RESERVED_FOR_BRIDGE),
        services=Addresses(services, reserved=RESERVED_FOR_NAME_SERVER),
        network=network if private else Network(network.namespace, made.interface),
    )


def _route_table(network: Network) -> str:
    with network.entered():
        return Path("/proc/thread-self/net/route").read_text("ascii")


def routes(table: str) -> Iterable[IPv4Network]:
    """Yield the networks of ``/proc/net/route``, the default route aside."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, mask = (IPv4Address(int(fields[index], 16).to_bytes(4, "little")) for index in (1, 7))
        if int(mask):
            yield IPv4Network(f"{address}/{mask}", strict=False)
