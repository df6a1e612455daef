"""Sockets in the pods' network: where a private engine stands in a network namespace of its own, inside that one.

A socket belongs for life to the namespace it was made in, whoever uses it. So nothing of the pods' network needs to
show on the host: no interface, no route, no address.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Generator
    from ipaddress import IPv4Network

_CLONE_NEWNET = 0x40000000
_OWN = "/proc/thread-self/ns/net"
_RTM_NEWROUTE, _NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_CREATE, _NLM_F_REPLACE = 24, 1, 4, 0x400, 0x100
_RT_TABLE_LOCAL, _RTPROT_STATIC, _RT_SCOPE_HOST, _RTN_LOCAL = 255, 4, 254, 2
_RTA_DST, _RTA_OIF = 1, 4
_libc = ctypes.CDLL(None, use_errno=True)


class Network(Struct, frozen=True):
    """The network the pods' bridge stands in; ``namespace`` is a path such as ``/proc/PID/ns/net``, empty for ours.

    What listens hears only what comes in by the ``bridge``, if one is named.
    """

    namespace: str = ""
    bridge: str = ""

    def new_socket(self, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """Return a new IPv4 socket that does not block."""
        with self.entered():
            made = socket.socket(socket.AF_INET, kind)
        made.setblocking(False)
        return made

    @contextmanager
    def entered(self) -> Generator[None]:
        """Put this thread into the network for a moment; nothing may be awaited meanwhile."""
        if not self.namespace:
            yield
            return
        own = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            theirs = os.open(self.namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _setns(theirs)
            finally:
                os.close(theirs)
            try:
                yield
            finally:
                _setns(own)
        finally:
            os.close(own)

    def listening_socket(self, kind: int, address: tuple[str, int]) -> socket.socket:
        """Return a socket that is bound to the address; raises OSError."""
        sock = self.new_socket(kind)
        try:
            if self.bridge:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.bridge.encode())
            if kind == socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
        except OSError:
            sock.close()
            raise
        return sock

    async def connect(self, host: str, port: int, seconds: float) -> socket.socket:
        """Return a connected socket; raises OSError (TimeoutError among them)."""
        sock = self.new_socket()
        try:
            with anyio.fail_after(seconds):
                await asyncio.get_running_loop().sock_connect(sock, (host, port))
        except BaseException:
            sock.close()
            raise
        return sock

    def take_range(self, addresses: IPv4Network, interface: str) -> None:
        """Make all addresses of the range ours in that network, so that any of them can be listened on.

        The route goes when the interface does. Raises OSError.
        """
        with self.entered():
            netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            index = socket.if_nametoindex(interface)
        with netlink:
            netlink.send(_local_route(addresses, index))
            answer = netlink.recv(4096)
        error = struct.unpack_from("=i", answer, 16)[0]
        if error:
            raise OSError(-error, f"cannot route {addresses} to {interface}: {os.strerror(-error)}")


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, f"cannot enter the pods' network: {os.strerror(error)}")


def _local_route(addresses: IPv4Network, index: int) -> bytes:
    attributes = struct.pack("=HH4s", 8, _RTA_DST, addresses.network_address.packed)
    attributes += struct.pack("=HHI", 8, _RTA_OIF, index)
    route = struct.pack(
        "=BBBBBBBBI",
        socket.AF_INET,
        addresses.prefixlen,
        0,
        0,
        _RT_TABLE_LOCAL,
        _RTPROT_STATIC,
        _RT_SCOPE_HOST,
        _RTN_LOCAL,
        0,
    )
    flags = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_CREATE | _NLM_F_REPLACE
    body = route + attributes
    return struct.pack("=IHHII", 16 + len(body), _RTM_NEWROUTE, flags, 1, 0) + body
