"""Networks and volumes through the Docker Engine API."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from upright.controllers.world.engine.errors import NotFound
from upright.controllers.world.engine.images import label_filter
from upright.controllers.world.engine.protocol import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from upright.controllers.world.engine.connection import Connection
    from upright.controllers.world.engine.protocol import EngineInfo, Labels
    from upright.openapi.meta import Json

_INTERFACE = "com.docker.network.bridge.name"
_PODMAN = "../v4.0.0/libpod/networks"
"""Podman's own API, relative to the other's paths: it knows the bridge's name, and takes one."""
_PAGE_BYTES = 4096


class Networks:
    """See ``Engine``: what concerns networks and volumes."""

    def __init__(self, connection: Connection, info: EngineInfo) -> None:
        self._connection = connection
        self._info = info

    async def create_network(
        self, name: str, *, labels: Labels, subnet: str = "", interface: str = "", internal: bool = False
    ) -> Network:
        gateway = str(IPv4Network(subnet)[1]) if subnet else ""
        asked = Network(id="", name=name, subnet=subnet, gateway=gateway, interface=interface, labels=labels)
        if self._info.product == "podman":
            await self._connection.call("POST", f"{_PODMAN}/create", body=_podman_creation(asked, internal=internal))
        else:
            await self._connection.call("POST", "networks/create", body=_creation(asked, internal=internal))
        return await self.network(name)

    async def network(self, name: str) -> Network:
        if self._info.product == "podman":
            return _podman_network(await self._connection.call("GET", f"{_PODMAN}/{name}/json"))
        return _network(await self._connection.call("GET", f"networks/{name}"))

    async def networks(self, labels: Labels) -> list[Network]:
        found = await self._connection.call("GET", "networks", params={"filters": label_filter(labels)})
        return [await self.network(one["Name"]) if self._info.product == "podman" else _network(one) for one in found]

    async def remove_network(self, name: str) -> None:
        try:
            await self._connection.call("DELETE", f"networks/{name}")
        except NotFound:
            return

    async def connect(self, network: str, container: str, *, aliases: Sequence[str] = (), ip: str = "") -> None:
        endpoint: Json = {"Aliases": list(aliases)}
        if ip:
            endpoint["IPAMConfig"] = {"IPv4Address": ip}
        body = {"Container": container, "EndpointConfig": endpoint}
        await self._connection.call("POST", f"networks/{network}/connect", body=body)

    async def disconnect(self, network: str, container: str) -> None:
        body = {"Container": container, "Force": True}
        await self._connection.call("POST", f"networks/{network}/disconnect", body=body)

    async def create_volume(self, name: str, *, labels: Labels, memory: bool = False, size_bytes: int = 0) -> None:
        options: dict[str, str] = {}
        if memory:
            # Not size=: podman takes that for a disk quota.
            limit = f",nr_blocks={-(-size_bytes // _PAGE_BYTES)}" if size_bytes else ""
            options = {"type": "tmpfs", "device": "tmpfs", "o": f"mode=1777{limit}"}
        body = {"Name": name, "Driver": "local", "DriverOpts": options, "Labels": dict(labels)}
        await self._connection.call("POST", "volumes/create", body=body)

    async def volumes(self, labels: Labels) -> list[str]:
        """Return the names of the volumes with all these labels."""
        found = await self._connection.call("GET", "volumes", params={"filters": label_filter(labels)})
        return [str(volume["Name"]) for volume in found.get("Volumes") or ()]

    async def remove_volume(self, name: str) -> None:
        try:
            await self._connection.call("DELETE", f"volumes/{name}")
        except NotFound:
            return


def _creation(asked: Network, *, internal: bool) -> Json:
    body: Json = {
        "Name": asked.name,
        "Driver": "bridge",
        "CheckDuplicate": True,
        "Internal": internal,
        "Labels": dict(asked.labels),
    }
    if asked.subnet:
        body["IPAM"] = {"Config": [{"Subnet": asked.subnet, "Gateway": asked.gateway}]}
    if asked.interface:
        body["Options"] = {_INTERFACE: asked.interface}
    return body


def _podman_creation(asked: Network, *, internal: bool) -> Json:
    body: Json = {
        "name": asked.name,
        "driver": "bridge",
        "internal": internal,
        "dns_enabled": True,
        "labels": dict(asked.labels),
    }
    if asked.subnet:
        body["subnets"] = [{"subnet": asked.subnet, "gateway": asked.gateway}]
    if asked.interface:
        body["network_interface"] = asked.interface
    return body


def _network(body: Mapping[str, Any]) -> Network:
    pools = (body.get("IPAM") or {}).get("Config") or [{}]
    options = body.get("Options") or {}
    return Network(
        id=body["Id"],
        name=body["Name"],
        subnet=pools[0].get("Subnet") or "",
        gateway=pools[0].get("Gateway") or "",
        interface=options.get(_INTERFACE) or f"br-{body['Id'][:12]}",
        labels=body.get("Labels") or {},
    )


def _podman_network(body: Mapping[str, Any]) -> Network:
    ranges = body.get("subnets") or [{}]
    return Network(
        id=body["id"],
        name=body["name"],
        subnet=ranges[0].get("subnet") or "",
        gateway=ranges[0].get("gateway") or "",
        interface=body.get("network_interface") or "",
        labels=body.get("labels") or {},
    )
