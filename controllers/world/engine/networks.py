"""Networks and volumes through the Docker Engine API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upright.controllers.world.engine.errors import NotFound
from upright.controllers.world.engine.images import label_filter
from upright.controllers.world.engine.protocol import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from upright.controllers.world.engine.connection import Connection
    from upright.controllers.world.engine.protocol import Labels
    from upright.openapi.meta import Json

_INTERFACE = "com.docker.network.bridge.name"


class Networks:
    """See ``Engine``: what concerns networks and volumes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create_network(
        self, name: str, *, labels: Labels, subnet: str = "", interface: str = "", internal: bool = False
    ) -> Network:
        body: Json = {
            "Name": name,
            "Driver": "bridge",
            "CheckDuplicate": True,
            "Internal": internal,
            "Labels": dict(labels),
        }
        if subnet:
            body["IPAM"] = {"Config": [{"Subnet": subnet}]}
        if interface:
            body["Options"] = {_INTERFACE: interface}
        created = await self._connection.call("POST", "networks/create", body=body)
        return await self.network(created["Id"])

    async def network(self, name: str) -> Network:
        return _network(await self._connection.call("GET", f"networks/{name}"))

    async def networks(self, labels: Labels) -> list[Network]:
        found = await self._connection.call("GET", "networks", params={"filters": label_filter(labels)})
        return [_network(one) for one in found]

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
            size = f",size={size_bytes}" if size_bytes else ""
            options = {"type": "tmpfs", "device": "tmpfs", "o": f"mode=1777{size}"}
        body = {"Name": name, "Driver": "local", "DriverOpts": options, "Labels": dict(labels)}
        await self._connection.call("POST", "volumes/create", body=body)

    async def volumes(self, labels: Labels) -> list[str]:
        """Return the names of the volumes with all these labels."""
        found = await self._connection.call("GET", "volumes", params={"filters": label_filter(labels)})
        return [str(volume["Name"]) for volume in found.get("Volumes") or ()]

    async def remove_volume(self, name: str) -> None:
        try:
            await self._connection.call("DELETE", f"volumes/{name}", params={"force": True})
        except NotFound:
            return


def _network(body: Mapping[str, Any]) -> Network:
    pools = (body.get("IPAM") or {}).get("Config") or [{}]
    options = body.get("Options") or {}
    members: Mapping[str, Any] = body.get("Containers") or {}
    return Network(
        id=body["Id"],
        name=body["Name"],
        subnet=pools[0].get("Subnet") or "",
        gateway=pools[0].get("Gateway") or "",
        interface=options.get(_INTERFACE) or f"br-{body['Id'][:12]}",
        labels=body.get("Labels") or {},
        containers={one: (member.get("IPv4Address") or "").partition("/")[0] for one, member in members.items()},
    )
