"""A container engine behind the Docker Engine API: dockerd, or podman's service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from upright.controllers.world.engine.build import Builds
from upright.controllers.world.engine.containers import Containers
from upright.controllers.world.engine.errors import EngineError
from upright.controllers.world.engine.networks import Networks
from upright.controllers.world.engine.protocol import EngineInfo
from upright.controllers.world.engine.reports import Reaped
from upright.controllers.world.engine.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from upright.controllers.world.engine.connection import Connection
    from upright.controllers.world.engine.protocol import Labels

_AT_ONCE = 8


class DockerEngine(Builds, Containers, Streams, Networks):
    """See ``Engine``. ``kill`` kills a process by its number in the engine's namespace, where we can."""

    def __init__(
        self, connection: Connection, info: EngineInfo, kill: Callable[[int], Awaitable[object]] | None = None
    ) -> None:
        Builds.__init__(self, connection, info)
        Streams.__init__(self, connection, info, kill)

    @property
    def info(self) -> EngineInfo:
        return self._info

    async def reap(self, labels: Labels) -> Reaped:
        if not labels:
            raise ValueError("without labels, everything on the engine would go")
        containers = [one.id for one in await self.containers(labels)]
        await self._remove_all(containers)
        networks = await self.networks(labels)
        for network in networks:
            await self.remove_network(network.id)
        volumes = await self.volumes(labels)
        for volume in volumes:
            await self.remove_volume(volume)
        return Reaped(len(containers), len(networks), len(volumes))

    async def _remove_all(self, containers: list[str]) -> None:
        """Remove containers side by side; those that others depend on go in a later round."""
        limit = anyio.CapacityLimiter(_AT_ONCE)
        failed: dict[str, EngineError] = {}

        async def remove(container: str) -> None:
            async with limit:
                try:
                    await self.remove(container)
                except EngineError as error:
                    failed[container] = error

        async with anyio.create_task_group() as group:
            for container in containers:
                group.start_soon(remove, container)
        if failed and len(failed) == len(containers):
            raise next(iter(failed.values()))
        if failed:
            await self._remove_all(list(failed))


def engine_info(
    about: Mapping[str, Any], address: str, *, private: bool = False, local: bool = True, namespace: str | None = ""
) -> EngineInfo:
    """Return what an engine is, from what it says of itself."""
    components = about.get("Components") or [{}]
    podman = "podman" in str(components[0].get("Name")).lower()
    return EngineInfo(
        product="podman" if podman else "dockerd",
        version=about["Version"],
        api_version=about["ApiVersion"],
        arch=about["Arch"],
        address=address,
        private=private,
        local=local,
        network_namespace=namespace,
    )
