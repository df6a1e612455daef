"""What is seen of a cluster: a mirror of the objects that somebody asked for, by uid, with who owns whom."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import anyio

from upright.controllers.ancestry import Ancestry
from upright.controllers.cluster_time import in_our_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from anyio.abc import TaskGroup

    from upright.controllers.world.kubernetes import Kubernetes, Sighting
    from upright.openapi.meta import Json

PODS = ("v1", "Pod")
EVENTS = ("v1", "Event")
ALWAYS = (PODS, ("apps/v1", "ReplicaSet"), EVENTS)
MOST_EVENTS = 50
_MOST_GONE = 1000
_DEPTH = 10  # owners of owners; a cycle would be somebody's mistake


def _say_nothing(text: str) -> None:
    del text


class Sight:
    """A mirror of a cluster's objects, their dates by our clock.

    ``watch`` asks for kinds of a namespace, ``subscribe`` to be told the uids whose picture changed: the object's
    own, its owners' and, for an event, that of what it is about. ``lost_at``: since when nothing can be seen;
    who subscribes hears also when sight is lost or found, and ``say`` is told why.
    """

    def __init__(
        self,
        kubernetes: Kubernetes,
        group: TaskGroup,
        clock: Callable[[], datetime],
        say: Callable[[str], object] = _say_nothing,
    ) -> None:
        self._kubernetes = kubernetes
        self._group = group
        self._clock = clock
        self._say = say
        self._said: set[str] = set()
        self._objects: dict[str, Json] = {}
        self._children: defaultdict[str, set[str]] = defaultdict(set)
        self._events: defaultdict[str, dict[str, Json]] = defaultdict(dict)
        self._synced: dict[tuple[str, str, str], anyio.Event] = {}
        self._subscribers: list[Callable[[Iterable[str]], None]] = []
        self._of_sight: list[Callable[[], None]] = []
        self._lost: dict[tuple[str, str, str], datetime] = {}
        self._ancestry: Ancestry | None = None
        self._gone: dict[str, tuple[Json, datetime]] = {}

    @property
    def lost_at(self) -> datetime | None:
        return min(self._lost.values(), default=None)

    def subscribe(self, subscriber: Callable[[Iterable[str]], None], sight_changed: Callable[[], None]) -> None:
        """Call ``subscriber`` with the uids whose picture changed, and ``sight_changed`` when sight is lost or found."""
        self._subscribers.append(subscriber)
        self._of_sight.append(sight_changed)

    async def watch(self, kinds: Iterable[tuple[str, str]], namespace: str) -> None:
        """Mirror these kinds (apiVersion, kind) of the namespace; returns when all that is there is known."""
        wanted = [(api_version, kind, namespace) for api_version, kind in kinds]
        for one in wanted:
            if one not in self._synced:
                self._synced[one] = anyio.Event()
                self._group.start_soon(self._mirror, one)
        for one in wanted:
            await self._synced[one].wait()

    def follow_owners(self) -> None:
        """Look up, from now on, owners that are not mirrored: what is below a custom resource may be so through them."""
        if self._ancestry is None:
            self._ancestry = Ancestry(self._kubernetes, self._group, self._learned)
            for obj in self._objects.values():
                self._ask_about(obj)

    def _ask_about(self, obj: Json) -> None:
        if self._ancestry is not None and (unknown := [o for o in _references(obj) if o["uid"] not in self._objects]):
            self._ancestry.ask(unknown, obj["metadata"].get("namespace", ""))

    def _learned(self, uid: str) -> None:
        for owner in self._owners(uid):
            self._children[owner].add(uid)
        self._tell([uid])

    def _owners(self, uid: str) -> list[str]:
        """Return the uids of the object's owners, be it mirrored or not."""
        obj = self._objects.get(uid)
        known = _references(obj) if obj is not None else self._ancestry.of(uid) if self._ancestry is not None else ()
        return [str(one["uid"]) for one in known]

    def get(self, uid: str) -> Json | None:
        return self._objects.get(uid)

    def gone(self, uid: str) -> tuple[Json, datetime] | None:
        """Return how an object that nobody owns was last, and when it was seen to be gone; None: it was not seen here, or is there."""
        return self._gone.get(uid)

    def below(self, uid: str) -> Iterator[Json]:
        """Yield the object and all that it owns, directly or not."""
        ahead, seen = [uid], {uid}
        while ahead:
            here = ahead.pop()
            if (found := self._objects.get(here)) is not None:
                yield found
            for child in self._children.get(here, ()):
                if child not in seen:
                    seen.add(child)
                    ahead.append(child)

    def named(self, api_version: str, kind: str, namespace: str, name: str) -> Json | None:
        """Return the object of this name; one without a namespace is in all of them."""
        for found in self._objects.values():
            meta = found["metadata"]
            known = (found["apiVersion"], found["kind"], meta.get("namespace", namespace), meta["name"])
            if known == (api_version, kind, namespace, name):
                return found
        return None

    def pods(self, namespace: str) -> Iterator[Json]:
        """Yield all pods of the namespace."""
        return self.of_kind("Pod", namespace)

    def of_kind(self, kind: str, namespace: str) -> Iterator[Json]:
        """Yield all objects of the kind in the namespace that are mirrored."""
        for found in self._objects.values():
            if found["kind"] == kind and found["metadata"].get("namespace", "") == namespace:
                yield found

    def events(self, uid: str) -> Iterable[Json]:
        """Return the events about the object, the newest last, at most MOST_EVENTS."""
        return sorted(self._events.get(uid, {}).values(), key=_last_happened)[-MOST_EVENTS:]

    async def _mirror(self, what: tuple[str, str, str]) -> None:
        await self._kubernetes.watch(*what, _Mirror(self, what).tell)

    def lost(self, what: tuple[str, str, str], why: str = "") -> None:
        """Take note that nothing is seen of these objects for now; why, if that may last, is said once."""
        self._lost.setdefault(what, self._clock())
        if why and why not in self._said:
            self._said.add(why)
            self._say(f"No sight of the cluster: {why}")
        self._tell_of_sight()

    def synced(self, what: tuple[str, str, str]) -> None:
        """Take note that all there is has been told."""
        if self._lost.pop(what, None):
            if not self._lost and self._said:
                self._said.clear()
                self._say("The cluster is seen again")
            self._tell_of_sight()
        self._synced[what].set()

    def _tell_of_sight(self) -> None:
        for subscriber in self._of_sight:
            subscriber()

    def take(self, what: tuple[str, str, str], sighting: Sighting) -> str:
        """Take in a change; returns the object's uid."""
        obj: Json = {"apiVersion": what[0], "kind": what[1], **in_our_time(sighting.object, self._kubernetes.ahead)}
        uid = str(obj["metadata"].get("uid", ""))
        if what[1] == "Event":
            about = str((obj.get("involvedObject") or {}).get("uid", ""))
            if sighting.type != "DELETED":
                theirs = self._events[about]
                theirs.pop(uid, None)
                theirs[uid] = obj
            self._tell([about])
        elif sighting.type == "DELETED":
            self.forget(uid, obj)
        else:
            self._objects[uid] = obj
            self._gone.pop(uid, None)
            for owner in self._owners(uid):
                self._children[owner].add(uid)
            self._ask_about(obj)
            self._tell([uid])
        return uid

    def forget(self, uid: str, last: Json | None = None) -> None:
        """Drop an object that is gone; ``last``: as it was then, if that was told."""
        told = self._line(uid)
        last = last or self._objects.get(uid)
        if last is not None and not _references(last):
            self._gone[uid] = last, self._clock()
            if len(self._gone) > _MOST_GONE:
                del self._gone[next(iter(self._gone))]
        for owner in self._owners(uid):
            self._children[owner].discard(uid)
        self._objects.pop(uid, None)
        self._events.pop(uid, None)
        self._tell_exactly(told)

    def _tell(self, uids: Iterable[str]) -> None:
        self._tell_exactly({line for uid in uids for line in self._line(uid)})

    def _tell_exactly(self, uids: Iterable[str]) -> None:
        for subscriber in self._subscribers:
            subscriber(uids)

    def _line(self, uid: str) -> set[str]:
        """Return the object's uid and those of all above it."""
        line, ahead = {uid}, [uid]
        for _ in range(_DEPTH):
            if not ahead:
                break
            above = [owner for owner in self._owners(ahead.pop()) if owner not in line]
            line.update(above)
            ahead += above
        return line


class _Mirror:
    """One kind in one namespace: which objects it has, and which of them were not told again after sight was lost."""

    def __init__(self, sight: Sight, what: tuple[str, str, str]) -> None:
        self._sight = sight
        self._what = what
        self._mine: set[str] = set()
        self._stale: set[str] = set()

    def tell(self, sighting: Sighting) -> None:
        """Take in what the cluster says."""
        if sighting.type == "LOST":
            self._stale = set(self._mine)
            self._sight.lost(self._what, str(sighting.object.get("message") or ""))
        elif sighting.type == "SYNCED":
            for uid in self._stale:
                self._mine.discard(uid)
                self._sight.forget(uid)
            self._stale = set()
            self._sight.synced(self._what)
        else:
            uid = self._sight.take(self._what, sighting)
            (self._mine.discard if sighting.type == "DELETED" else self._mine.add)(uid)
            self._stale.discard(uid)


def _last_happened(event: Json) -> str:
    """Return when, as the text that the cluster has for it: those of one cluster can be compared."""
    series = event.get("series") or {}
    written = event["metadata"].get("creationTimestamp")
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or written or "")


def _references(obj: Json) -> Sequence[Json]:
    found: Sequence[Json] = obj["metadata"].get("ownerReferences") or ()
    return found
