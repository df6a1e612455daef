"""Address ranges for a private engine that collide with nothing this machine knows a way to."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ROUTES = Path("/proc/net/route")
_RESOLVERS = Path("/etc/resolv.conf")
_SEARCHED = ("10.213.0.0/16", "10.87.0.0/16", "172.28.0.0/16", "10.160.0.0/12", "172.16.0.0/12", "10.0.0.0/8")


def free_block(taken: Iterable[IPv4Network]) -> IPv4Network:
    """Return a /16 that overlaps nothing taken; the first of our habits if all is taken."""
    avoided = tuple(taken)
    for block in _blocks():
        if not any(block.overlaps(one) for one in avoided):
            return block
    return next(_blocks())


def taken_ranges() -> list[IPv4Network]:
    """Return what this machine has routes to, the default route aside, and the addresses of its name servers."""
    found: list[IPv4Network] = []
    with suppress(OSError):
        for line in _ROUTES.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1] != "00000000" or fields[7] not in {"00000000", "00000080"}:
                found.append(_from_kernel(fields[1], fields[7]))
    with suppress(OSError):
        for line in _RESOLVERS.read_text().splitlines():
            name, _, address = line.strip().partition(" ")
            if name == "nameserver":
                with suppress(ValueError):
                    found.append(IPv4Network(address.strip()))
    return found


def _blocks() -> Iterator[IPv4Network]:
    for text in _SEARCHED:
        yield from IPv4Network(text).subnets(new_prefix=16)


def _from_kernel(address: str, mask: str) -> IPv4Network:
    """Read the kernel's hexadecimal notation, least significant byte first."""
    dotted = [".".join(str(byte) for byte in reversed(bytes.fromhex(text))) for text in (address, mask)]
    return IPv4Network(f"{dotted[0]}/{dotted[1]}", strict=False)
