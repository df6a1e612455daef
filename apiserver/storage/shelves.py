"""What is committed, in memory: every object by its address, and each collection in the order of its names."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from upright.apiserver.storage.records import Address, Stored

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.apiserver.storage.records import Bodies, Loaded

_AFTER_ALL = "\U0010ffff"


class Shelf:
    """One resource's objects in one partition, sorted by namespace and name."""

    def __init__(self) -> None:
        self._objects: dict[Address, Stored] = {}
        self._order: list[Address] = []

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, address: Address) -> Stored | None:
        return self._objects.get(address)

    def put(self, stored: Stored) -> None:
        if stored.address not in self._objects:
            insort(self._order, stored.address)
        self._objects[stored.address] = stored

    def fill(self, many: Iterable[Stored]) -> None:
        """Put many at once, for the start."""
        self._objects.update((stored.address, stored) for stored in many)
        self._order = sorted(self._objects)

    def drop(self, address: Address) -> None:
        if self._objects.pop(address, None):
            del self._order[bisect_left(self._order, address)]

    def all(self, namespace: str) -> list[Stored]:
        if not namespace:
            return [self._objects[address] for address in self._order]
        if not self._order:
            return []
        first = self._order[0]._replace(namespace=namespace, name="")
        start = bisect_left(self._order, first)
        end = bisect_left(self._order, first._replace(name=_AFTER_ALL), start)
        return [self._objects[address] for address in self._order[start:end]]


class Shelves:
    """All that is committed."""

    def __init__(self) -> None:
        self._by_resource: dict[str, dict[str, Shelf]] = {}

    def get(self, address: Address) -> Stored | None:
        shelf = self._by_resource.get(address.resource, {}).get(address.partition)
        return None if shelf is None else shelf.get(address)

    def put(self, stored: Stored) -> None:
        self.shelf(stored.address.resource, stored.address.partition).put(stored)

    def replace(self, loaded: Loaded, bodies: Bodies) -> None:
        """Have what was read from the database, and nothing else."""
        self._by_resource.clear()
        for (resource, partition), rows in loaded.objects.items():
            self.shelf(resource, partition).fill(
                Stored(Address(partition, resource, namespace, name), revision, data, bodies)
                for namespace, name, revision, data in rows
            )
        loaded.objects.clear()

    def drop(self, address: Address) -> None:
        self.shelf(address.resource, address.partition).drop(address)

    def shelf(self, resource: str, partition: str) -> Shelf:
        partitions = self._by_resource.setdefault(resource, {})
        if partition not in partitions:
            partitions[partition] = Shelf()
        return partitions[partition]

    def all(self, resource: str, partition: str | None, namespace: str) -> list[Stored]:
        """Return a collection in the order of its names; of every partition, in their order, for None."""
        shelves = self._by_resource.get(resource, {})
        wanted = sorted(shelves) if partition is None else [partition]
        return [stored for key in wanted if key in shelves for stored in shelves[key].all(namespace)]

    def count(self, resource: str) -> int:
        """Return how many objects of a resource there are, in every partition."""
        return sum(len(shelf) for shelf in self._by_resource.get(resource, {}).values())
