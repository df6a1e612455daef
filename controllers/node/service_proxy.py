"""The road from a Service's address to its ready pods: TCP, one pod after the other, refused while there is none."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import TYPE_CHECKING

import anyio
from msgspec import Struct

from upright.controllers.node.relay import relay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.abc import TaskGroup, TaskStatus

    from upright.controllers.node.endpoints import Backend
    from upright.controllers.node.network import Network

Address = tuple[str, int]
BACKLOG = 512
CONNECT_SECONDS = 5.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

_log = logging.getLogger(__name__)


class _Door(Struct):
    """A listening socket, and where it leads."""

    listener: socket.socket
    backends: tuple[Backend, ...]
    turn: int = 0

    def in_turn(self) -> tuple[Backend, ...]:
        """Return the backends, beginning with the one whose turn it is."""
        start = self.turn % len(self.backends)
        self.turn += 1
        return self.backends[start:] + self.backends[:start]


class ServiceProxy:
    """Listens on each Service's address and port while some pod is ready, in the pods' network only."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._doors: dict[Address, _Door] = {}
        self._owned: dict[str, set[Address]] = {}
        self._group: TaskGroup | None = None

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        try:
            async with anyio.create_task_group() as self._group:
                task_status.started()
                await anyio.sleep_forever()
        finally:
            self._group = None
            for address in tuple(self._doors):
                self._close(address)

    def publish(self, owner: str, ports: Mapping[Address, tuple[Backend, ...]]) -> None:
        """Have exactly these of the owner's addresses lead to these pods; raises OSError where one cannot be had."""
        open_ = {address: led for address, led in ports.items() if led}
        for address in self._owned.get(owner, set()) - open_.keys():
            self._close(address)
        self._owned[owner] = set(open_)
        for address, led in open_.items():
            if door := self._doors.get(address):
                door.backends = led
            else:
                self._open(address, led)

    def withdraw(self, owner: str) -> None:
        """Close all addresses of the owner."""
        for address in self._owned.pop(owner, set()):
            self._close(address)

    def _open(self, address: Address, led: tuple[Backend, ...]) -> None:
        listener = self._network.listening_socket(socket.SOCK_STREAM, address)
        listener.listen(BACKLOG)
        self._doors[address] = door = _Door(listener, led)
        asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, door)

    def _close(self, address: Address) -> None:
        if door := self._doors.pop(address, None):
            asyncio.get_running_loop().remove_reader(door.listener.fileno())
            door.listener.close()

    def _accept(self, door: _Door) -> None:
        try:
            client, _ = door.listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            _log.warning("a connection to a Service was lost: %s", error)
            return
        client.setblocking(False)
        if self._group is None:
            client.close()
        else:
            self._group.start_soon(self._serve, client, door)

    async def _serve(self, client: socket.socket, door: _Door) -> None:
        for backend in door.in_turn():
            try:
                server = await self._network.connect(*backend, seconds=CONNECT_SECONDS)
            except OSError:
                continue
            await relay(client, server)
            return
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        client.close()
