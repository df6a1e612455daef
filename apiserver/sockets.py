"""Binds the sockets to listen on, before anything else starts, so that a port that is taken is said at once."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from upright.apiserver.auth import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKLOG = 2048
_ATTEMPTS = 16


class PortTaken(Exception):
    """Somebody else listens there already."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port {port} on {host} is taken: another upright or tilt may be running; "
            f"end it, or choose another port with --port (0 takes any free one)"
        )
        self.host = host
        self.port = port


class UnsafeBind(Exception):
    """Plain HTTP may be served on loopback only."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"plain HTTP is served on loopback only, not on {host}: use --host localhost; "
            f"others reach a server by HTTPS with a token: upright apiserver --secure-host {host}"
        )
        self.host = host


def listen(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets for the host, on one port; ``localhost`` means both of its addresses where there are two.

    Port 0 takes a free one. Raises PortTaken, or OSError for an address that is not this machine's.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _bound(host, port)
        except PortTaken:
            if port or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def listen_on_loopback(host: str, port: int) -> list[socket.socket]:
    """Do as ``listen``; raises UnsafeBind for a host that others can reach."""
    if host not in LOOPBACK:
        raise UnsafeBind(host)
    return listen(host, port)


def port_of(sockets: list[socket.socket]) -> int:
    """Return the port that the sockets share."""
    return int(sockets[0].getsockname()[1])


def _bound(host: str, port: int) -> list[socket.socket]:
    made: list[socket.socket] = []
    try:
        for family, address in _addresses(host):
            bound = _listening(family, address, port)
            if bound is not None:
                made.append(bound)
                port = bound.getsockname()[1]
    except OSError as error:
        for bound in made:
            bound.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from error
        raise
    return made


def _addresses(host: str) -> Iterator[tuple[socket.AddressFamily, str]]:
    if host == "localhost":
        yield socket.AF_INET, "127.0.0.1"
        yield socket.AF_INET6, "::1"
    else:
        yield (socket.AF_INET6 if ":" in host else socket.AF_INET), host


def _listening(family: socket.AddressFamily, address: str, port: int) -> socket.socket | None:
    """Return a listening socket; None where the machine has no IPv6 and it would only have been the second."""
    try:
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        if family is socket.AF_INET6:
            return None
        raise
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
        bound.listen(BACKLOG)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        if address == "::1" and error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return bound
