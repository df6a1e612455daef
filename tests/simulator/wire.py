"""A cluster's API as our connection sees it: objects, lists and watches, with all that can go wrong on the way."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import anyio
import orjson

from upright.openapi.errors import APIError, Expired, NotFound, from_status

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

    from tests.simulator.stories import Faults
    from upright.controllers.world.kube_connection import KubeConnection
    from upright.openapi.meta import Json

SERVED: dict[str, tuple[tuple[str, str], ...]] = {
    "/api/v1": (("Pod", "pods"), ("Event", "events")),
    "/apis/apps/v1": (
        ("Deployment", "deployments"),
        ("StatefulSet", "statefulsets"),
        ("DaemonSet", "daemonsets"),
        ("ReplicaSet", "replicasets"),
    ),
    "/apis/batch/v1": (("Job", "jobs"),),
    "/apis/shop.example/v1": (("Widget", "widgets"),),
}
PLURALS = {kind: plural for kinds in SERVED.values() for kind, plural in kinds}
CALL_SECONDS = 0.004
_REASONS = {429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}


def refusal(code: int) -> APIError:
    """Return an answer of the API server that may pass."""
    status: Json = {"kind": "Status", "status": "Failure", "code": code, "reason": _REASONS[code], "message": "busy"}
    return from_status(status)


class _Stream:
    """One open watch. What was told and has not arrived yet is in ``coming``: when it arrives, when it was so, and what it is."""

    def __init__(self, plural: str) -> None:
        self.plural = plural
        self.coming: deque[tuple[float, float, bytes]] = deque()
        self.news = anyio.Event()
        self.broken: Exception | None = None
        self.closed = False

    def push(self, arrives: float, happened: float, data: bytes) -> None:
        last = self.coming[-1][0] if self.coming else 0.0
        self.coming.append((max(arrives, last), happened, data))
        self.news.set()

    def close(self, error: Exception | None = None) -> None:
        self.closed, self.broken = True, error
        self.news.set()

    async def iter_any(self) -> AsyncIterator[bytes]:
        while not self.closed:
            if not self.coming:
                self.news = anyio.Event()
                await self.news.wait()
                continue
            wait = self.coming[0][0] - anyio.current_time()
            if wait > 0:
                self.news = anyio.Event()
                with anyio.move_on_after(wait):
                    await self.news.wait()
                continue
            yield self.coming.popleft()[2]
        if self.broken is not None:
            raise self.broken


class Wire:
    """The cluster's API. ``applied`` is told what was put there, and returns what it became."""

    def __init__(self, faults: Faults, chance: random.Random, applied: Callable[[Json], Json]) -> None:
        self._faults = faults
        self._chance = chance
        self._applied = applied
        self._apply_errors = list(faults.apply_errors)
        self._version = 100
        self._oldest = 0
        self._objects: dict[str, dict[str, Json]] = {plural: {} for plural in PLURALS.values()}
        self._history: dict[str, list[tuple[int, float, bytes]]] = {plural: [] for plural in PLURALS.values()}
        self._streams: list[_Stream] = []
        self._blind_since: dict[str, float] = {}
        self._away = False

    @property
    def connection(self) -> KubeConnection:
        return cast("KubeConnection", self)  # reason: it has what reflector, discovery and applying ask of one

    def begin(self) -> None:
        """Have the faults happen in their time."""
        loop = asyncio.get_running_loop()
        for at in self._faults.cuts:
            loop.call_at(at, self._cut, False)
        for at in self._faults.gone:
            loop.call_at(at, self._cut, True)
        for at, lasts in self._faults.outages:
            loop.call_at(at, self._outage, True)
            loop.call_at(at + lasts, self._outage, False)

    def _cut(self, forget: bool) -> None:
        """End all watches; if the past is forgotten too, they cannot go on where they were."""
        if forget:
            self._version += 1
            self._oldest = self._version
        for stream in tuple(self._streams):
            stream.close()

    def _outage(self, away: bool) -> None:
        self._away = away
        for stream in tuple(self._streams) if away else ():
            stream.close(refusal(503))

    def emit(self, word: str, obj: Json) -> None:
        """Have the object be so, or gone, and tell it."""
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        plural, uid = PLURALS[obj["kind"]], obj["metadata"]["uid"]
        if word == "DELETED":
            self._objects[plural].pop(uid, None)
        else:
            self._objects[plural][uid] = obj
        data = orjson.dumps({"type": word, "object": obj}) + b"\n"
        now = anyio.current_time()
        self._history[plural].append((self._version, now, data))
        for stream in self._streams:
            if stream.plural == plural:
                self._send(stream, now, data)

    def _send(self, stream: _Stream, now: float, data: bytes) -> None:
        arrives = anyio.current_time() + self._chance.random() * self._faults.lag
        stream.push(arrives, now, data)
        if self._faults.repeats and self._chance.random() < self._faults.repeats:
            stream.push(arrives, now, data)

    def seen_until(self) -> float:
        """Return the moment up to which all that happened has been told."""
        now = anyio.current_time()
        open_ = [stream.coming[0][1] for stream in self._streams if stream.coming]
        return min([now, *open_, *self._blind_since.values()])

    def named(self, kind: str, name: str) -> Json | None:
        return next((one for one in self._objects[PLURALS[kind]].values() if one["metadata"]["name"] == name), None)

    async def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        **how: Any,  # noqa: ANN401  reason: media type and patience make no difference here
    ) -> Json:
        """Answer as the API server would."""
        del query, how
        await anyio.sleep(CALL_SECONDS)
        if self._away:
            raise refusal(503)
        if path in SERVED:
            return {"resources": [{"name": p, "kind": k, "namespaced": True} for k, p in SERVED[path]]}
        if method == "PATCH" and body is not None:
            if self._apply_errors:
                raise refusal(self._apply_errors.pop(0))
            return dict(self._applied(body))
        if method == "GET":
            return self._listed(path)
        raise NotFound(path)

    def _listed(self, path: str) -> Json:
        above, _, plural = path.rpartition("/")
        if plural not in self._objects:
            return self._one(above.rpartition("/")[2], plural)
        self._blind_since.pop(plural, None)
        items = [orjson.loads(orjson.dumps(one)) for one in self._objects[plural].values()]
        return {"items": items, "metadata": {"resourceVersion": str(self._version)}}

    def _one(self, plural: str, name: str) -> Json:
        for found in self._objects.get(plural, {}).values():
            if found["metadata"]["name"] == name:
                return dict(found)
        raise NotFound(name)

    @asynccontextmanager
    async def stream(self, path: str, query: Mapping[str, str], **how: Any) -> AsyncGenerator[_Stream]:  # noqa: ANN401  reason: as above
        """Open a watch."""
        del how
        await anyio.sleep(CALL_SECONDS)
        since, plural = int(query["resourceVersion"]), path.rpartition("/")[2]
        if self._away:
            raise refusal(503)
        if since < self._oldest:
            raise Expired("too old resource version")
        stream = _Stream(plural)
        for version, happened, data in self._history[plural]:
            if version > since:
                self._send(stream, happened, data)
        self._streams.append(stream)
        self._blind_since.pop(plural, None)
        ending = asyncio.get_running_loop().call_later(float(query["timeoutSeconds"]), stream.close)
        try:
            yield stream
        finally:
            ending.cancel()
            self._streams.remove(stream)
            oldest = stream.coming[0][1] if stream.coming else anyio.current_time()
            self._blind_since.setdefault(plural, min(oldest, anyio.current_time()))
