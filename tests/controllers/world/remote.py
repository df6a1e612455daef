"""A cluster behind HTTPS with a kubeconfig: our own server, with a node that only says how its Pods are."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from tests.controllers.node.embedded import cluster
from upright.apiserver.clock import utc_now
from upright.apiserver.server import Server, Settings
from upright.controllers.world.kube_reflector import Pace
from upright.controllers.world.kubeconfig_cluster import kubeconfig_cluster
from upright.controllers.world.kubeconfig_files import choose_context
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from upright.controllers.world.kubeconfig_cluster import KubeconfigCluster
    from upright.controllers.world.kubernetes import Sighting
    from upright.openapi.meta import Json
    from upright.openapi.subresources import Ask, Channels, Sink

REAL = os.environ.get("UPRIGHT_TEST_KUBECONFIG", "")
QUICK = Pace(silence_seconds=0.2, proof_seconds=0.5, first_pause_seconds=0.02, longest_pause_seconds=0.1)


@dataclass(frozen=True, slots=True)
class Remote:
    """The server's kubeconfig, and its port."""

    kubeconfig: Path
    port: int

    @asynccontextmanager
    async def reached(self, folder: Path, pace: Pace | None = None) -> AsyncGenerator[KubeconfigCluster]:
        context = choose_context("", "", {"KUBECONFIG": str(self.kubeconfig)})
        async with kubeconfig_cluster(context, folder / "frozen" / "kubeconfig", utc_now, pace) as found:
            yield found

    def through(self, port: int, folder: Path) -> Remote:
        """Return the same server as reached through another port."""
        text = self.kubeconfig.read_text(encoding="utf-8").replace(f":{self.port}", f":{port}")
        path = folder / "proxied"
        path.write_text(text, encoding="utf-8")
        return Remote(path, port)


@asynccontextmanager
async def remote(folder: Path) -> AsyncGenerator[Remote]:
    """Serve a cluster until the context is left."""
    subresources = Subresources()
    subresources.writes("pods", "log", _log)
    subresources.talks("pods", "portforward", _echo)
    async with cluster(folder, utc_now) as inner:
        server = Server(inner.registry, [], Settings(folder), now=utc_now, subresources=subresources)
        async with anyio.create_task_group() as group:
            await group.start(server.serve)
            kubeconfig = await server.secured()
            yield Remote(kubeconfig, int(server.secure_url.rpartition(":")[2]))
            group.cancel_scope.cancel()


async def _log(ask: Ask, sink: Sink) -> None:
    for word in (ask.name, ask.one("container"), ask.one("previous"), ask.one("follow"), ask.one("sinceTime")):
        await sink.write(f"{word}\n".encode())


async def _echo(ask: Ask, channels: Channels) -> None:
    port = int(ask.one("ports"))
    for channel in (0, 1):
        await channels.send(channel, port.to_bytes(2, "little"))
    if port != 80:
        await channels.send(1, b"connection refused")
        return
    async for channel, data in channels:
        if channel == 0:
            await channels.send(0, data.upper())


class Seen:
    """What a watch told, by name; and waiting for what it should tell."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.types: list[str] = []
        self._news = anyio.Event()

    def tell(self, sighting: Sighting) -> None:
        self.types.append(sighting.type)
        if "metadata" in sighting.object:
            name = sighting.object["metadata"]["name"]
            self.objects[name] = sighting.object
            if sighting.type == "DELETED":
                del self.objects[name]
        self._news.set()

    async def until(self, holds: Callable[[Seen], bool]) -> None:
        with anyio.fail_after(15):
            while not holds(self):
                self._news = anyio.Event()
                await self._news.wait()
