"""A real server over HTTPS, and a road to it that can be cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import pytest

from upright.apiserver.registry import Registry
from upright.apiserver.server import Server, Settings
from upright.apiserver.storage.records import Retention
from upright.apiserver.storage.store import Store
from upright.client import kubeconfig
from upright.openapi import core_v1, v1alpha1
from upright.openapi.scheme import Scheme, discover
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from upright.client.kubeconfig import Access

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FORGETFUL = Retention(events=10)


@pytest.fixture(scope="session")
def scheme() -> Scheme:
    return discover(v1alpha1, core_v1)


@pytest.fixture
async def registry(tmp_path: Path, scheme: Scheme) -> AsyncIterator[Registry]:
    """A registry that forgets all but the last ten events."""
    async with Store.open(str(tmp_path / "state.db"), durable=False, retention=FORGETFUL) as store:
        yield Registry(scheme, store, lambda: NOW)


@dataclass
class Far:
    """A server in this process that is reached over HTTPS, and what stands below its objects."""

    server: Server
    access: Access
    subresources: Subresources


@pytest.fixture
async def far(registry: Registry, tmp_path: Path) -> AsyncIterator[Far]:
    subresources = Subresources()
    server = Server(registry, [], Settings(tmp_path), now=lambda: NOW, subresources=subresources)
    async with anyio.create_task_group() as group:
        await group.start(server.serve)
        yield Far(server, kubeconfig.read(await server.secured()), subresources)
        group.cancel_scope.cancel()


@dataclass
class Road:
    """Carries connections to a port, until they are cut; while it is closed, new ones are cut at once."""

    target: int
    port: int = 0
    closed: bool = False
    carried: set[anyio.abc.SocketStream] = field(default_factory=set)

    async def carry(self, near: anyio.abc.SocketStream) -> None:
        async with near:
            if self.closed:
                return
            async with await anyio.connect_tcp("127.0.0.1", self.target) as there, anyio.create_task_group() as group:
                self.carried.add(near)
                group.start_soon(self._one_way, near, there, group.cancel_scope)
                group.start_soon(self._one_way, there, near, group.cancel_scope)
            self.carried.discard(near)

    async def _one_way(
        self, source: anyio.abc.SocketStream, target: anyio.abc.SocketStream, scope: anyio.CancelScope
    ) -> None:
        try:
            async for data in source:
                await target.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        scope.cancel()

    async def cut(self) -> None:
        """Cut every connection there is."""
        for near in list(self.carried):
            await near.aclose()


@pytest.fixture
async def road(far: Far) -> AsyncIterator[Road]:
    found = Road(int(far.access.server.rpartition(":")[2]))
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        found.port = int(listener.extra(anyio.abc.SocketAttribute.local_port))
        group.start_soon(listener.serve, found.carry)
        yield found
        group.cancel_scope.cancel()
