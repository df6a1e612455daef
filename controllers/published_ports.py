"""The ports that containers publish on an engine in a network of its own: they are opened here and lead there."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio import create_task_group

from upright.controllers.node.network import Network
from upright.controllers.node.relay import relay

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from anyio.abc import TaskGroup

    from upright.controllers.engines import Engines
    from upright.controllers.world.engine.protocol import Container

CONNECT_SECONDS = 5.0
_BACKLOG = 128
_LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class PublishedPorts:
    """Makes published ports reachable on this machine's loopback, where the engine does not do it itself.

    ``say`` hears of a port that cannot be had.
    """

    def __init__(self, engines: Engines, say: Callable[[str], object]) -> None:
        self._engines = engines
        self._say = say

    @asynccontextmanager
    async def of(self, service: str) -> AsyncGenerator[ServicePorts]:
        """Lead to the containers of one service until the context is left."""
        namespace = (await self._engines.get()).info.network_namespace
        async with create_task_group() as group:
            ports = ServicePorts(Network(namespace or ""), group, lambda text: self._say(f"{service}: {text}"))
            ports.needed = bool(namespace)
            try:
                yield ports
            finally:
                ports.close()
                group.cancel_scope.cancel()


class ServicePorts:
    """The doors of one service; ``lead`` says which containers stand behind them now."""

    def __init__(self, network: Network, group: TaskGroup, say: Callable[[str], object]) -> None:
        self.needed = True
        self._network = network
        self._group = group
        self._say = say
        self._doors: dict[int, list[socket.socket]] = {}
        self._behind: dict[int, tuple[str, int]] = {}

    def lead(self, containers: Sequence[Container]) -> None:
        """Have each published TCP port lead to the container that publishes it; those of none are closed."""
        if not self.needed:
            return
        self._behind = {
            port.host_port: (address, port.port)
            for one in containers
            for port in one.published
            if port.protocol == "tcp" and (address := next(iter(one.addresses.values()), ""))
        }
        for port in self._doors.keys() - self._behind.keys():
            self._shut(port)
        for port in self._behind.keys() - self._doors.keys():
            self._open(port)

    def close(self) -> None:
        """Close all doors."""
        for port in tuple(self._doors):
            self._shut(port)

    def _open(self, port: int) -> None:
        doors: list[socket.socket] = []
        for family, address in _LOOPBACK:
            door = socket.socket(family, socket.SOCK_STREAM)
            door.setblocking(False)
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind((address, port))
                door.listen(_BACKLOG)
            except OSError as error:
                door.close()
                if family == socket.AF_INET:  # a machine without IPv6 is nothing to tell of
                    self._say(f"port {port} cannot be opened on {address}: {(error.strerror or str(error)).lower()}")
                continue
            doors.append(door)
            self._group.start_soon(self._accept, door, port)
        self._doors[port] = doors

    def _shut(self, port: int) -> None:
        for door in self._doors.pop(port, ()):
            door.close()

    async def _accept(self, door: socket.socket, port: int) -> None:
        loop = asyncio.get_running_loop()
        while door.fileno() >= 0:
            try:
                near, _ = await loop.sock_accept(door)
            except OSError:
                return  # closed
            near.setblocking(False)
            self._group.start_soon(self._lead, near, port)

    async def _lead(self, near: socket.socket, port: int) -> None:
        behind = self._behind.get(port)
        try:
            if behind is None:
                raise ConnectionRefusedError
            far = await self._network.connect(*behind, CONNECT_SECONDS)
        except OSError:
            near.close()
            return
        await relay(near, far)
