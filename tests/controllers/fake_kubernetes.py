"""A cluster that runs nothing: objects are kept and told; pods, logs and ports are what a test says they are."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

import anyio
import orjson

from upright.controllers.world.kubernetes import AS_USUAL, ApplyHow, ClusterInfo, Sighting
from upright.openapi.errors import APIError, NotFound, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from anyio.abc import ByteStream

    from upright.controllers.world.kubernetes import LogRequest, Ref
    from upright.openapi.meta import Json

INFO = ClusterInfo("fake", "default", "fake", "kind", "v1.36.2", "amd64", "/tmp/kubeconfig")


@dataclass(eq=False)
class _Watcher:
    api_version: str
    kind: str
    namespace: str
    tell: Callable[[Sighting], None]

    def takes(self, obj: Json) -> bool:
        where = obj["metadata"].get("namespace", "")
        return (obj["apiVersion"], obj["kind"]) == (self.api_version, self.kind) and self.namespace in {"", where}


@dataclass
class FakeLog:
    """What one run of a container prints; ``end`` closes it. ``breaks``: after so many bytes the connection breaks once."""

    data: bytes = b""
    over: bool = False
    breaks: int = 0
    grown: anyio.Event = field(default_factory=anyio.Event)
    opened: int = 0

    def write(self, text: str, *, end: bool = False) -> None:
        self.data += text.encode()
        self.over = end
        self.grown.set()
        self.grown = anyio.Event()


@dataclass
class FakeKubernetes:
    """Remembers what was applied, in order. ``refuses``: what to answer instead, by object name."""

    applied: list[str] = field(default_factory=list[str])
    deleted: list[str] = field(default_factory=list[str])
    hows: list[ApplyHow] = field(default_factory=list[ApplyHow])
    refuses: dict[str, APIError] = field(default_factory=dict[str, APIError])
    unreachable: str = ""
    trouble: str = ""
    unreadable: int = 0
    ahead: timedelta = timedelta()
    logs_of: dict[tuple[str, str, int | None], FakeLog] = field(default_factory=dict[Any, FakeLog])
    asked: list[LogRequest] = field(default_factory=list["LogRequest"])
    ports: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict[Any, tuple[str, int]])
    objects: dict[str, Json] = field(default_factory=dict[str, "Json"])
    holds: anyio.Event | None = None
    _watchers: list[_Watcher] = field(default_factory=list[_Watcher])
    _uids: Any = field(default_factory=lambda: count(1))

    @asynccontextmanager
    async def opened(self, spec: object) -> AsyncGenerator[FakeKubernetes]:
        """Be what a Cluster object leads to."""
        del spec
        yield self

    async def connect(self) -> ClusterInfo:
        if self.unreachable:
            raise ServiceUnavailable(self.unreachable)
        return INFO

    async def unwell(self) -> str:
        return self.trouble

    async def apply(self, obj: Json, *, namespace: str, how: ApplyHow = AS_USUAL) -> Json:
        self.hows.append(how)
        name = obj["metadata"]["name"]
        if self.holds is not None:
            await self.holds.wait()
        self.applied.append(f"{obj['kind']}/{name}")
        if name in self.refuses:
            raise self.refuses[name]
        place = {} if obj["kind"] == "Namespace" else {"namespace": obj["metadata"].get("namespace", namespace)}
        known = self.find(obj["kind"], name)
        meta = {**obj["metadata"], **place, "uid": f"u{next(self._uids)}", "generation": 1}
        if known is not None:
            before = known["metadata"]
            step = int({**known.get("spec", {})} != {**obj.get("spec", {})})
            meta |= {"uid": before["uid"], "generation": before["generation"] + step}
        body: Json = {**(known or {}), **obj, "metadata": meta}
        self.show(body)
        return body

    async def delete(self, ref: Ref) -> bool:
        self.deleted.append(str(ref))
        return self.find(ref.kind, ref.name) is not None

    async def read(self, ref: Ref) -> Json | None:
        if self.unreadable:
            self.unreadable -= 1
            raise ServiceUnavailable("busy")
        return self.find(ref.kind, ref.name)

    def find(self, kind: str, name: str) -> Json | None:
        for body in self.objects.values():
            if (body["kind"], body["metadata"]["name"]) == (kind, name):
                return body
        return None

    def show(self, body: Json) -> Json:
        """Have the object be as it is said, and tell all who watch."""
        uid = body["metadata"]["uid"]
        known = uid in self.objects
        self.objects[uid] = body
        self._tell("MODIFIED" if known else "ADDED", body)
        return body

    def status(self, kind: str, name: str, **status: object) -> None:
        """Write the status of an object that was applied, for the generation it has now."""
        body = self.find(kind, name)
        assert body is not None
        self.show({**body, "status": {"observedGeneration": body["metadata"]["generation"], **status}})

    def remove(self, kind: str, name: str) -> None:
        body = self.find(kind, name)
        assert body is not None
        del self.objects[body["metadata"]["uid"]]
        self._tell("DELETED", body)

    def _tell(self, word: Literal["ADDED", "MODIFIED", "DELETED"], body: Json) -> None:
        for watcher in tuple(self._watchers):
            if watcher.takes(body):
                watcher.tell(Sighting(word, orjson.loads(orjson.dumps(body))))

    async def watch(self, api_version: str, kind: str, namespace: str, tell: Callable[[Sighting], None]) -> None:
        me = _Watcher(api_version, kind, namespace, tell)
        self._sync(me)
        self._watchers.append(me)
        try:
            await anyio.sleep_forever()
        finally:
            self._watchers.remove(me)

    def _sync(self, watcher: _Watcher) -> None:
        for body in list(self.objects.values()):
            if watcher.takes(body):
                watcher.tell(Sighting("ADDED", body))
        watcher.tell(Sighting("SYNCED", {}))

    def lose_sight(self, why: str = "") -> None:
        """Have all watches break."""
        for watcher in tuple(self._watchers):
            watcher.tell(Sighting("LOST", {"message": why} if why else {}))

    def regain_sight(self) -> None:
        """Have all watches told anew."""
        for watcher in tuple(self._watchers):
            self._sync(watcher)

    @asynccontextmanager
    async def logs(self, request: LogRequest) -> AsyncGenerator[AsyncIterator[bytes]]:
        self.asked.append(request)
        log = self.logs_of.get((request.pod, request.container, request.attempt))
        if log is None:
            raise NotFound(f"no log of {request.container}")
        log.opened += 1
        yield self._chunks(log, 0)

    async def _chunks(self, log: FakeLog, sent: int) -> AsyncIterator[bytes]:
        while True:
            news = log.grown
            if log.breaks and len(log.data) > log.breaks:
                data, log.breaks = log.data[sent : log.breaks], 0
                yield data
                raise ServiceUnavailable("the connection broke")
            if len(log.data) > sent:
                yield log.data[sent:]
                sent = len(log.data)
            if log.over:
                return
            await news.wait()

    async def open_port(self, namespace: str, pod: str, port: int) -> ByteStream:
        del namespace
        if (pod, port) not in self.ports:
            raise ServiceUnavailable(f"nothing listens on port {port} of {pod}")
        host, real = self.ports[pod, port]
        return await anyio.connect_tcp(host, real)


def deployment(name: str = "web", replicas: int = 1) -> Json:
    """Return a Deployment as it is applied."""
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": replicas}}


def owned(kind: str, name: str, owner: Json, more: Json, *, api_version: str = "v1") -> Json:
    """Return an object that the other one owns."""
    about = owner["metadata"]
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": about["name"],
        "uid": about["uid"],
        "controller": True,
    }
    meta = {"name": name, "namespace": "default", "uid": f"uid-of-{name}", "ownerReferences": [reference]}
    return {"apiVersion": api_version, "kind": kind, **more, "metadata": {**meta, **more.get("metadata", {})}}


def replica_set(owner: Json, name: str = "web-rs", revision: int = 1) -> Json:
    """Return a ReplicaSet of a Deployment."""
    notes = {"annotations": {"deployment.kubernetes.io/revision": str(revision)}}
    return owned("ReplicaSet", name, owner, {"metadata": notes}, api_version="apps/v1")


def pod(owner: Json, name: str = "web-1", *states: Json, phase: str = "Running", **more: object) -> Json:
    """Return a pod with one container ``web`` in this state; it has a readiness probe."""
    state = states[0] if states else {"running": {"startedAt": "2026-01-02T03:04:05Z"}}
    container = {
        "name": "web",
        "image": "shop:1",
        "state": state,
        "ready": "running" in state,
        "restartCount": 0,
        **more,
    }
    spec = {
        "restartPolicy": "Always",
        "containers": [{"name": "web", "readinessProbe": {}, "ports": [{"containerPort": 80}]}],
    }
    status = {"phase": phase, "containerStatuses": [container]}
    return owned("Pod", name, owner, {"spec": spec, "status": status})


def event(about: Json, reason: str, message: str, name: str = "e1") -> Json:
    """Return an event about an object."""
    meta = about["metadata"]
    place = {"kind": about["kind"], "name": meta["name"], "uid": meta["uid"], "namespace": "default"}
    own = {"name": name, "namespace": "default", "uid": f"uid-of-{name}"}
    kind = {"apiVersion": "v1", "kind": "Event", "metadata": own, "involvedObject": place}
    return {**kind, "type": "Warning", "reason": reason, "message": message, "count": 1}
