"""The cluster's name server: Services by name, everything else by the resolvers of the machine we run on."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from upright.controllers.node.dns_message import (
    NAME_ERROR,
    SERVER_FAILURE,
    Malformed,
    Question,
    answer,
    read_question,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyio.abc import TaskGroup, TaskStatus
    from anyio.streams.memory import MemoryObjectSendStream

    from upright.controllers.node.network import Network

DOMAIN = "cluster.local"
PORT = 53
DATAGRAM_BYTES = 4096
FORWARD_SECONDS = 3.0
FORWARDS_AT_ONCE = 64
QUESTIONS_WAITING = 1024
_Sender = tuple[str, int]
_Datagram = tuple[bytes, _Sender]
_RESOLVERS = Path("/etc/resolv.conf")

_log = logging.getLogger(__name__)


def search_domains(namespace: str) -> list[str]:
    """Return what a pod's resolver appends to short names."""
    return [f"{namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN]


class Zone:
    """The names of the cluster: ``SERVICE.NAMESPACE.svc.cluster.local``."""

    def __init__(self) -> None:
        self._names: dict[str, tuple[str, tuple[str, ...]]] = {}

    def publish(self, name: str, namespace: str, addresses: Sequence[str], owner: str) -> None:
        """Have a Service's name mean these addresses; none: the name exists, and leads nowhere."""
        self._names[_full(name, namespace)] = (owner, tuple(addresses))

    def withdraw(self, name: str, namespace: str, owner: str) -> None:
        """Forget a Service's name, unless another Service has it by now."""
        full = _full(name, namespace)
        if full in self._names and self._names[full][0] == owner:
            del self._names[full]

    def holds(self, name: str) -> bool:
        """Whether the name is the cluster's to answer for."""
        return name == DOMAIN or name.endswith(f".{DOMAIN}")

    def addresses(self, name: str) -> tuple[str, ...] | None:
        """Return the addresses of a name, None if there is no such name."""
        if name in self._names:
            return self._names[name][1]
        parent = any(known.endswith(f".{name}") for known in self._names)
        return () if parent or name == DOMAIN else None


def _full(name: str, namespace: str) -> str:
    return f"{name}.{namespace}.svc.{DOMAIN}"


def resolvers(text: str) -> list[str]:
    """Return the IPv4 name servers of a resolv.conf."""
    lines = (line.split() for line in text.splitlines())
    return [line[1] for line in lines if len(line) > 1 and line[0] == "nameserver" and ":" not in line[1]]


class NameServer:
    """Answers on UDP; names outside the cluster are asked of the machine's resolvers, from the machine's network."""

    def __init__(self, network: Network, address: str, zone: Zone, *, port: int = PORT) -> None:
        self._network = network
        self._address = (address, port)
        self._zone = zone
        self._limit = anyio.Semaphore(FORWARDS_AT_ONCE)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        sock = self._network.listening_socket(socket.SOCK_DGRAM, self._address)
        sending, questions = anyio.create_memory_object_stream[_Datagram](QUESTIONS_WAITING)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Inbox(sending), sock=sock)
        try:
            async with anyio.create_task_group() as group, questions:
                task_status.started()
                async for message, sender in questions:
                    self._answer(transport, message, sender, group)
        finally:
            transport.close()
            sending.close()

    def _answer(self, out: asyncio.DatagramTransport, message: bytes, sender: _Sender, group: TaskGroup) -> None:
        try:
            question = read_question(message)
        except Malformed:
            return
        if not self._zone.holds(question.name):
            group.start_soon(self._forward, out, question, message, sender)
            return
        found = self._zone.addresses(question.name)
        out.sendto(answer(question, found or (), code=NAME_ERROR if found is None else 0), sender)

    async def _forward(
        self, out: asyncio.DatagramTransport, question: Question, message: bytes, sender: _Sender
    ) -> None:
        async with self._limit:
            for resolver in resolvers(await anyio.Path(_RESOLVERS).read_text()):
                with anyio.move_on_after(FORWARD_SECONDS):
                    try:
                        out.sendto(await _ask(resolver, message), sender)
                    except OSError as error:
                        _log.debug("name server %s: %s", resolver, error)
                        continue
                    return
            out.sendto(answer(question, (), code=SERVER_FAILURE), sender)


async def _ask(resolver: str, message: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
        upstream.setblocking(False)
        await loop.sock_connect(upstream, (resolver, PORT))
        await loop.sock_sendall(upstream, message)
        return await loop.sock_recv(upstream, DATAGRAM_BYTES)


class _Inbox(asyncio.DatagramProtocol):
    """Hands datagrams on; what comes while too many wait is dropped, as datagrams are."""

    def __init__(self, to: MemoryObjectSendStream[_Datagram]) -> None:
        self._to = to

    def datagram_received(self, data: bytes, addr: _Sender) -> None:
        with suppress(anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            self._to.send_nowait((data, addr))
