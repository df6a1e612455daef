"""Which resource may update now: places, dependencies, and who cannot run beside whom; holds in Tilt's words."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from upright.openapi.v1alpha1.resource import ObjectRef, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from upright.openapi.v1alpha1.resource import Resource

UNCATEGORIZED = "uncategorized"
EARLY = " (images)"
"""What the name of a wish ends in that is for the images of a resource which may not be deployed yet."""
DEFAULT_PLACES = 3
_LOCAL_FIRST, _UNCATEGORIZED_NEXT, _WITHOUT_IMAGES, _REST = range(4)


class Wish(Struct, frozen=True):
    """What the scheduler knows of a resource."""

    name: str
    kind: str
    rank: tuple[int, int]
    depends_on: tuple[str, ...]
    alone: bool
    images: frozenset[str]


def wish(resource: Resource) -> Wish:
    """Return what matters of a resource for its place in the queue: locals first, then as defined."""
    spec = resource.spec
    images: frozenset[str] = frozenset()
    alone, rank = False, _REST
    if spec.local is not None:
        alone = spec.local.update is not None and not spec.allow_parallel
        rank = _LOCAL_FIRST
    else:
        images = frozenset(image.image_map for image in spec.images)
        rank = _UNCATEGORIZED_NEXT if resource.name == UNCATEGORIZED else _REST if images else _WITHOUT_IMAGES
    return Wish(resource.name, spec.kind, (rank, spec.order), spec.depends_on, alone, images)


def early(wanted: Wish) -> Wish:
    """Return the wish to build the images now, whatever the resource itself has to wait for."""
    return replace(wanted, name=wanted.name + EARLY, kind="images", depends_on=())


class Scheduler(Struct):
    """Hands out places.

    All of it is a cache: after a restart it is filled again from the resources' statuses. ``wake`` is called with
    the name of a resource that got a place while it was not asking.
    """

    wake: Callable[[str], None]
    places: int = DEFAULT_PLACES
    cluster_ready: bool = False
    running: dict[str, Wish] = field(default_factory=dict)
    ready: set[str] = field(default_factory=set)
    built: set[str] = field(default_factory=set)
    _waiting: dict[str, Wish] = field(default_factory=dict)
    _alone: list[tuple[tuple[int, int], str]] = field(default_factory=list)
    _beside: list[tuple[tuple[int, int], str]] = field(default_factory=list)
    _dependants: dict[str, set[str]] = field(default_factory=dict)

    def ask(self, wanted: Wish) -> bool:
        """Ask for a place; True if the resource has one and may update now."""
        if wanted.name in self.running:
            return True
        if wanted.name not in self._waiting:
            self._waiting[wanted.name] = wanted
            for dependency in wanted.depends_on:
                self._dependants.setdefault(dependency, set()).add(wanted.name)
            self._line_up(wanted)
        self._hand_out(asking=wanted.name)
        return wanted.name in self.running

    def take(self, wanted: Wish) -> None:
        """Record that the resource is updating already (it was when this process started)."""
        self._waiting.pop(wanted.name, None)
        self.running[wanted.name] = wanted

    def release(self, name: str, *, well: bool = False) -> None:
        """Give the place back, or stop asking for one; somebody else may get it now.

        ``well``: the update succeeded, so its images are there for all.
        """
        self._waiting.pop(name, None)
        if well and name in self.running:
            self.built |= self.running[name].images
        if self.running.pop(name, None) is not None:
            self._hand_out()

    def now_ready(self, name: str) -> None:
        """Record that the resource was ready once: its dependants may go."""
        if name in self.ready:
            return
        self.ready.add(name)
        for dependant in self._dependants.get(name, ()):
            if dependant in self._waiting:
                self._line_up(self._waiting[dependant])
        self._hand_out()

    def connected(self, ready: bool) -> None:
        """Record whether the cluster can be deployed to."""
        if ready == self.cluster_ready:
            return
        self.cluster_ready = ready
        for waiting in self._waiting.values():
            if waiting.kind == "kubernetes":
                self._line_up(waiting)
        self._hand_out()

    def hold(self, wanted: Wish) -> Waiting:
        """Return why the resource has no place, and whom it waits for."""
        others = self._busy_with(wanted)
        if others is not None:
            return others
        if missing := self._missing(wanted):
            return _waiting("waiting-for-dep", missing)
        if self._without_cluster(wanted):
            return Waiting(reason="waiting-for-cluster", on=(_ref("Cluster", "default"),))
        return Waiting(reason="unknown")

    def _busy_with(self, wanted: Wish) -> Waiting | None:
        if alone := [name for name, runs in self.running.items() if runs.alone]:
            return _waiting("waiting-for-local", alone)
        if wanted.alone and self.running:
            return _waiting("is-unparallelizable-local", self.running)
        if wanted.kind == "kubernetes" and UNCATEGORIZED in self.running:
            return _waiting("waiting-for-uncategorized", [UNCATEGORIZED])
        if shared := self._sharing(wanted):
            return _waiting("building-component", shared)
        return None

    def _missing(self, wanted: Wish) -> list[str]:
        return [name for name in wanted.depends_on if name not in self.ready]

    def _without_cluster(self, wanted: Wish) -> bool:
        return wanted.kind == "kubernetes" and not self.cluster_ready

    def _sharing(self, wanted: Wish) -> list[str]:
        """Return who builds an image that is wanted too; the early build of the same resource is its own."""
        others = ((name, runs) for name, runs in self.running.items() if name != wanted.name + EARLY)
        return [name.removesuffix(EARLY) for name, runs in others if (wanted.images & runs.images) - self.built]

    def _line_up(self, waiting: Wish) -> None:
        """Put the resource in line if nothing but a place is missing; else an event will."""
        if not self._missing(waiting) and not self._without_cluster(waiting):
            line = self._alone if waiting.alone else self._beside
            heapq.heappush(line, (waiting.rank, waiting.name))

    def _hand_out(self, asking: str = "") -> None:
        while len(self.running) < self.places and (chosen := self._next()) is not None:
            self.running[chosen.name] = self._waiting.pop(chosen.name)
            if chosen.name != asking:
                self.wake(chosen.name)

    def _next(self) -> Wish | None:
        if any(runs.alone for runs in self.running.values()):
            return None
        if not self.running:
            first = self._head(self._alone)
            other = self._head(self._beside)
            if first is not None and (other is None or first.rank <= other.rank):
                heapq.heappop(self._alone)
                return first
        return self._next_beside()

    def _next_beside(self) -> Wish | None:
        passed: list[tuple[tuple[int, int], str]] = []
        found: Wish | None = None
        while (head := self._head(self._beside)) is not None:
            entry = heapq.heappop(self._beside)
            busy = head.kind == "kubernetes" and UNCATEGORIZED in self.running
            busy = busy or (
                head.kind == "images" and self._head(self._alone) is not None
            )  # it would be held up by them
            if not busy and not self._sharing(head):
                found = head
                break
            passed.append(entry)
        for entry in passed:
            heapq.heappush(self._beside, entry)
        return found

    def _head(self, line: list[tuple[tuple[int, int], str]]) -> Wish | None:
        """Return the first in line that still waits; entries of those that do not are dropped."""
        while line:
            waiting = self._waiting.get(line[0][1])
            if waiting is not None:
                return waiting
            heapq.heappop(line)
        return None


def _waiting(reason: str, names: Iterable[str]) -> Waiting:
    return Waiting(reason=reason, on=tuple(_ref("UIResource", name) for name in names))


def _ref(kind: str, name: str) -> ObjectRef:
    return ObjectRef(group="tilt.dev", api_version="v1alpha1", kind=kind, name=name)
