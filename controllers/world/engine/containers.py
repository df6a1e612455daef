"""Containers through the Docker Engine API."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from upright.controllers.world.engine.errors import Conflict, EngineError, NotFound
from upright.controllers.world.engine.images import full_id, label_filter, moment
from upright.controllers.world.engine.protocol import Container, PublishedPort
from upright.controllers.world.engine.words import start_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upright.controllers.world.engine.connection import Connection
    from upright.controllers.world.engine.protocol import ContainerSpec, ContainerState, Labels, Mount
    from upright.openapi.meta import Json

_NANO = 1_000_000_000
_HEALTH_INTERVAL = 30 * _NANO
_STATES: dict[str, ContainerState] = {
    "created": "created",
    "configured": "created",
    "initialized": "created",
    "running": "running",
    "stopping": "running",
    "paused": "paused",
    "restarting": "restarting",
    "removing": "removing",
    "exited": "exited",
    "stopped": "exited",
    "dead": "dead",
}


class Containers:
    """See ``Engine``: what concerns containers, their streams aside."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, spec: ContainerSpec) -> str:
        if any(mount.sub_path for mount in spec.mounts):
            spec = replace(spec, mounts=tuple([await self._bound(mount) for mount in spec.mounts]))
        created = await self._connection.call(
            "POST", "containers/create", params={"name": spec.name}, body=creation(spec)
        )
        return str(created["Id"])

    async def _bound(self, mount: Mount) -> Mount:
        """Return a mount of a part of a volume as a bind, as the engine sees it: old engines know no other way."""
        if not mount.sub_path:
            return mount
        volume = await self._connection.call("GET", f"volumes/{mount.source}")
        source = f"{volume['Mountpoint']}/{mount.sub_path}"
        return replace(mount, kind="bind", source=source, sub_path="")

    async def start(self, container: str) -> None:
        try:
            await self._connection.call("POST", f"containers/{container}/start")
        except EngineError as error:
            raise start_error(error) from error

    async def stop(self, container: str, grace: float) -> None:
        await self._connection.call("POST", f"containers/{container}/stop", params={"t": math.ceil(grace)})

    async def kill(self, container: str, signal: str = "SIGKILL") -> None:
        await self._connection.call("POST", f"containers/{container}/kill", params={"signal": signal})

    async def remove(self, container: str) -> None:
        try:
            await self._connection.call("DELETE", f"containers/{container}", params={"force": True, "v": True})
        except NotFound:
            return
        except Conflict as error:
            if "in progress" not in error.message:
                raise
            await self._removed(container)

    async def wait(self, container: str) -> int:
        answer = await self._connection.call("POST", f"containers/{container}/wait")
        return int(answer["StatusCode"])

    async def container(self, container: str) -> Container:
        return _container(await self._connection.call("GET", f"containers/{container}/json"))

    async def check_health(self, container: str) -> None:
        await self._connection.call("GET", f"libpod/containers/{container}/healthcheck")

    async def containers(self, labels: Labels) -> list[Container]:
        params = {"all": True, "filters": label_filter(labels)}
        return [_listed(one) for one in await self._connection.call("GET", "containers/json", params=params)]

    async def put_archive(self, container: str, path: str, tar: bytes) -> None:
        await self._connection.call("PUT", f"containers/{container}/archive", params={"path": path}, body=tar)

    async def get_archive(self, container: str, path: str) -> bytes:
        async with self._connection.stream("GET", f"containers/{container}/archive", params={"path": path}) as response:
            return await response.read()

    async def _removed(self, container: str) -> None:
        try:
            await self._connection.call("POST", f"containers/{container}/wait", params={"condition": "removed"})
        except NotFound:
            return


def creation(spec: ContainerSpec) -> Json:
    """Return what the API wants to create a container."""
    body: Json = {
        "Image": spec.image,
        "Env": [f"{name}={value}" for name, value in spec.env.items()],
        "Labels": dict(spec.labels),
        "Hostname": spec.hostname,
        "User": spec.user,
        "WorkingDir": spec.working_dir,
        "Tty": spec.tty,
        "OpenStdin": spec.stdin,
        "StdinOnce": spec.stdin_once,
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host_config(spec),
    }
    if spec.entrypoint is not None:
        body["Entrypoint"] = list(spec.entrypoint)
    if spec.args is not None:
        body["Cmd"] = list(spec.args)
    if spec.stop_signal:
        body["StopSignal"] = spec.stop_signal
    if spec.network not in {"none", "host"} and not spec.network.startswith("container:"):
        endpoint: Json = {"Aliases": list(spec.aliases)}
        if spec.ip:
            endpoint["IPAMConfig"] = {"IPv4Address": spec.ip}
        body["NetworkingConfig"] = {"EndpointsConfig": {spec.network: endpoint}}
    return body


def _host_config(spec: ContainerSpec) -> Json:
    config: Json = {
        "NetworkMode": spec.network,
        "Init": False,
        "Privileged": spec.privileged,
        "ReadonlyRootfs": spec.read_only,
        "CapAdd": list(spec.add_capabilities),
        "CapDrop": list(spec.drop_capabilities),
        "GroupAdd": list(spec.groups),
        "Memory": spec.memory_bytes,
        "MemorySwap": spec.memory_bytes,  # the same: no swap, as a pod has none
        "NanoCpus": round(spec.cpus * _NANO),
        "CpuShares": spec.cpu_shares,
        "ExtraHosts": [f"{name}:{address}" for name, address in spec.extra_hosts.items()],
        "Dns": list(spec.dns),
        "DnsSearch": list(spec.dns_search),
        "DnsOptions": list(spec.dns_options),
        "Sysctls": dict(spec.sysctls),
        "SecurityOpt": ["no-new-privileges"] if spec.no_new_privileges else [],
        "Mounts": [_mount(mount) for mount in spec.mounts if mount.kind != "tmpfs"],
        "Tmpfs": {mount.target: _tmpfs_options(mount) for mount in spec.mounts if mount.kind == "tmpfs"},
    }
    if spec.shm_bytes:
        config["ShmSize"] = spec.shm_bytes
    return config


def _mount(mount: Mount) -> Json:
    body: Json = {"Type": mount.kind, "Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}
    return body | ({"VolumeOptions": {"NoCopy": True}} if mount.kind == "volume" else {})


def _tmpfs_options(mount: Mount) -> str:
    options = [f"mode={mount.mode:o}", "ro" if mount.read_only else "rw"]
    if mount.size_bytes:
        options.append(f"size={mount.size_bytes}")
    return ",".join(options)


def _container(body: Mapping[str, Any]) -> Container:
    state: Mapping[str, Any] = body["State"]
    networks: Mapping[str, Any] = body.get("NetworkSettings", {}).get("Networks") or {}
    started, finished = moment(state.get("StartedAt") or ""), moment(state.get("FinishedAt") or "")
    if started and finished and state["Status"] == "exited":
        started = min(started, finished)  # podman looks at the clock after it has started the program
    return Container(
        id=body["Id"],
        name=body["Name"].removeprefix("/"),
        image_id=full_id(body["Image"]),
        state=_state(state["Status"]),
        exit_code=state.get("ExitCode") or 0,
        error=state.get("Error") or "",
        oom_killed=bool(state.get("OOMKilled")),
        pid=state.get("Pid") or 0,
        created=moment(body.get("Created") or ""),
        started=started,
        finished=finished,
        labels=body["Config"].get("Labels") or {},
        network=body["HostConfig"].get("NetworkMode") or "",
        addresses={name: network["IPAddress"] for name, network in networks.items() if network.get("IPAddress")},
        image=body["Config"].get("Image") or "",
        restarts=body.get("RestartCount") or 0,
        health=_health(state),
        health_output=_health_output(state),
        health_interval=((body["Config"].get("Healthcheck") or {}).get("Interval") or _HEALTH_INTERVAL) / _NANO,
        published=tuple(_published(body.get("NetworkSettings", {}).get("Ports") or {})),
    )


def _health(state: Mapping[str, Any]) -> str:
    """Return ``starting``, ``healthy`` or ``unhealthy``; nothing without a health check."""
    word = str((state.get("Health") or state.get("Healthcheck") or {}).get("Status") or "")
    return "" if word == "none" else word


def _health_output(state: Mapping[str, Any]) -> str:
    entries = (state.get("Health") or state.get("Healthcheck") or {}).get("Log") or [{}]
    return str(entries[-1].get("Output") or "").strip()


def _published(ports: Mapping[str, Any]) -> Iterator[PublishedPort]:
    for name, bindings in ports.items():
        port, _, protocol = name.partition("/")
        for one in bindings or ():
            if one.get("HostPort"):
                yield PublishedPort(one.get("HostIp") or "", int(one["HostPort"]), int(port), protocol or "tcp")


def _listed(body: Mapping[str, Any]) -> Container:
    networks: Mapping[str, Any] = (body.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=body["Id"],
        name=next(iter(body.get("Names") or ()), "").removeprefix("/"),
        image_id=full_id(body.get("ImageID") or ""),
        state=_state(body["State"]),
        created=datetime.fromtimestamp(body["Created"], UTC),
        labels=body.get("Labels") or {},
        network=(body.get("HostConfig") or {}).get("NetworkMode") or "",
        addresses={name: network["IPAddress"] for name, network in networks.items() if network.get("IPAddress")},
    )


def _state(words: str) -> ContainerState:
    """Return the state in dockerd's words; podman has a few of its own."""
    return _STATES.get(words, "created")
