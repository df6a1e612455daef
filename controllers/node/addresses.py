"""Addresses to hand out: each to one owner at a time, the ones given back last of all."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network


class OutOfAddresses(Exception):
    """Every address of the range is taken."""


class Addresses:
    """The addresses of a range, but for the first few and the last; a cache of what pods and Services say."""

    def __init__(self, network: IPv4Network, *, reserved: int) -> None:
        self.network = network
        self._first = int(network.network_address) + reserved
        self._count = network.num_addresses - reserved - 1
        self._next = 0
        self._owners: dict[str, str] = {}
        self._taken: dict[str, str] = {}

    def of(self, owner: str) -> str:
        """Return the owner's address, a new one if it has none; raises OutOfAddresses."""
        if owner in self._owners:
            return self._owners[owner]
        for _ in range(self._count):
            candidate = str(IPv4Address(self._first + self._next))
            self._next = (self._next + 1) % self._count
            if candidate not in self._taken:
                self.keep(owner, candidate)
                return candidate
        raise OutOfAddresses(f"all {self._count} addresses of {self.network} are taken")

    def keep(self, owner: str, address: str) -> None:
        """Remember that the owner has this address already."""
        self.give_back(owner)
        self._owners[owner] = address
        self._taken[address] = owner

    def give_back(self, owner: str) -> None:
        """Free the owner's address, if it has one."""
        address = self._owners.pop(owner, None)
        if address is not None and self._taken.get(address) == owner:
            del self._taken[address]
