"""Plays a story to its verdict: the real controllers, runtime and reflectors, over a store in memory and a cluster that plays."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, cast

import anyio
from msgspec import Struct

from tests.simulator import model, virtual_time
from tests.simulator.cluster import WIDGETS
from tests.simulator.cluster import Cluster as FakeCluster
from tests.simulator.commands import Commands
from tests.simulator.memory_client import MemoryClient
from tests.simulator.stories import story
from tests.simulator.virtual_time import now
from tests.simulator.wire import Wire
from upright.controllers.apply_command import ApplyCommands
from upright.controllers.cluster_time import clock_ahead
from upright.controllers.clusters import Clusters
from upright.controllers.cmd import CmdController
from upright.controllers.kubernetes_apply import KubernetesApplyController
from upright.controllers.kubernetes_discovery import KubernetesDiscoveryController
from upright.controllers.resource import ResourceController
from upright.controllers.runtime.manager import Manager
from upright.controllers.session import SessionController
from upright.controllers.sight import Sight
from upright.controllers.world.kube_applying import KubeApplying
from upright.controllers.world.kube_discovery import KubeDiscovery
from upright.controllers.world.kube_reflector import KubeReflector, Pace
from upright.controllers.world.kubernetes import AS_USUAL, ApplyHow
from upright.openapi.errors import NotFound
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import Cluster, ClusterStatus
from upright.openapi.v1alpha1.cmd import CmdSpec
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApplySpec
from upright.openapi.v1alpha1.resource import TILTFILE, KubernetesSpec, LocalSpec, Resource, ResourceSpec
from upright.openapi.v1alpha1.session import Session, SessionCISpec, SessionSpec, Verdict
from upright.openapi.v1alpha1.tiltfile import (
    Tiltfile,
    TiltfileSettings,
    TiltfileSpec,
    TiltfileStatus,
    TiltfileTerminated,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from datetime import timedelta

    from tests.simulator.stories import ResourceStory, Story
    from upright.controllers.runtime.controller import Controller
    from upright.controllers.world.kubernetes import Kubernetes, Ref, Sighting
    from upright.controllers.world.logs import Logs
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.image_map import ImageMap
    from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply

LIMIT_SECONDS = 2400.0
SIGHT_SECONDS = 60.0
_RUN: timedelta = virtual_time.date(1800.0) - virtual_time.BEGINNING
_READINESS: timedelta = virtual_time.date(model.READINESS_SECONDS) - virtual_time.BEGINNING
_VERSIONS = {"Job": "batch/v1", "Pod": "v1", "Widget": WIDGETS}


class Ending(Struct, frozen=True):
    """What a run came to and when; ``problems`` are the promises that it broke."""

    state: str
    reason: str
    exit_code: int | None
    at: float
    problems: tuple[str, ...] = ()


class _Silent:
    """A log that nobody reads."""

    def open(self, span: str, resource: str) -> _Silent:
        del span, resource
        return self

    def write(self, text: str, **more: object) -> None:
        pass


class _Reached:
    """The cluster through our own connection code, over a wire of the simulator's."""

    def __init__(self, wire: Wire, skew: float) -> None:
        self.ahead = clock_ahead(format_datetime(virtual_time.date(anyio.current_time() + skew)), now())
        self._wire = wire
        self._kinds = KubeDiscovery(wire.connection)
        self._applying = KubeApplying(wire.connection, self._kinds, "simulated")

    async def apply(self, obj: Json, *, namespace: str, how: ApplyHow = AS_USUAL) -> Json:
        return await self._applying.apply(obj, namespace, how)

    async def read(self, ref: Ref) -> Json | None:
        try:
            kind = await self._kinds.find(ref.api_version, ref.kind)
            return await self._wire.connection.call("GET", kind.path(ref.namespace, ref.name))
        except NotFound:
            return None

    async def delete(self, ref: Ref) -> bool:
        return await self._applying.delete(ref)

    async def watch(self, api_version: str, kind: str, namespace: str, tell: Callable[[Sighting], None]) -> None:
        what = (api_version, kind, namespace)
        await KubeReflector(self._wire.connection, self._kinds, what, tell, Pace()).run()


class Play:
    """One run of a story."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.cluster = FakeCluster(story.faults.skew)
        self.wire = Wire(story.faults, random.Random(story.seed), self.cluster.applied)
        self.cluster.wire = self.wire
        self.commands = Commands(story)
        self.client = MemoryClient(now)
        self._told = anyio.Event()

    async def run(self) -> Ending:
        """Play to the verdict, restarting all controllers when the story says so."""
        self.wire.begin()
        self.cluster.begin(self.story)
        await self._begin()
        with anyio.move_on_after(LIMIT_SECONDS):
            for moment in self.story.faults.restarts:
                async with self._controllers():
                    with anyio.move_on_after(moment - anyio.current_time()):
                        await self._verdict()
                if self._session().status.done:
                    return self._judged()
            async with self._controllers():
                await self._verdict()
        return self._judged()

    async def _verdict(self) -> None:
        async with self.client.watch(Session, resource_version="0") as changes:
            async for change in changes:
                if isinstance(change.object, Session) and change.object.status.done:
                    return

    def _session(self) -> Session:
        found = self.client.find(Session, TILTFILE)
        assert found is not None
        return found

    async def _begin(self) -> None:
        """Have what the Tiltfile, and the connecting to the cluster, would have come to."""
        limits = SessionCISpec(timeout=_RUN, readiness_timeout=_READINESS)
        spec = SessionSpec(tiltfile_path="/Tiltfile", ci=limits)
        await self.client.create(Session(metadata=ObjectMeta(name=TILTFILE), spec=spec))
        cluster = Cluster(metadata=ObjectMeta(name="default"))
        await self.client.create(cluster.model_copy(update={"status": ClusterStatus(arch="amd64")}))
        names = tuple(one.name for one in self.story.resources)
        ended = TiltfileTerminated(started_at=now(), finished_at=now())
        status = TiltfileStatus(terminated=ended, resources=names, settings=TiltfileSettings())
        tiltfile = Tiltfile(metadata=ObjectMeta(name=TILTFILE), spec=TiltfileSpec(path="/Tiltfile"))
        await self.client.create(tiltfile.model_copy(update={"status": status}))
        for one in self.story.resources:
            await self.client.create(_resource(one))

    @asynccontextmanager
    async def _controllers(self) -> AsyncGenerator[None]:
        async with anyio.create_task_group() as group:
            clusters = Clusters()
            reached = cast(
                "Kubernetes", _Reached(self.wire, self.story.faults.skew)
            )  # reason: logs and ports are nobody's business here
            clusters.put("default", reached, Sight(reached, group, now))
            await group.start(Manager(self.client.typed, now, self._made(clusters)).run)
            yield
            group.cancel_scope.cancel()

    def _made(self, clusters: Clusters) -> Sequence[Controller[Any]]:
        logs = cast("Logs", _Silent())  # reason: a log that nobody reads
        return (
            SessionController(1),
            ResourceController(logs, _no_log),
            CmdController(self.commands, logs, now, dict),
            KubernetesApplyController(clusters, logs, now, _prepared, ApplyCommands(self.commands, dict, _no_objects)),
            KubernetesDiscoveryController(clusters, logs),
        )

    def _judged(self) -> Ending:
        status = self._session().status
        at, said = anyio.current_time(), status.verdict
        if not status.done:
            return Ending("pending", "", None, at, ("it did not end",))
        return Ending(said.state, said.reason, said.exit_code, at, tuple(self._broken(said, at)))

    def _broken(self, said: Verdict, at: float) -> Sequence[str]:
        """Return the promises that this verdict breaks."""
        parts = [(one, self.cluster.workloads.get(one.name)) for one in self.story.resources]
        if said.state == "healthy":
            window = (min(self.wire.seen_until(), at), at)
            ill = [one.name for one, work in parts if not model.was_well(one, work, self.commands, window)]
            return [f"green while {', '.join(ill)} was not well"] if ill else []
        if said.state == "failed":
            just = min(model.red_is_just(one, work, self.commands, self.story.faults) for one, work in parts)
            return [] if just <= at + model.EPSILON else [f"red before it was just: {said.reason}"]
        if said.state == "unknown":
            long = any(lasts >= SIGHT_SECONDS - 15.0 for _, lasts in self.story.faults.outages)
            return [] if long else [f"blind though sight was not lost for long: {said.reason}"]
        return [f"out of time: {said.reason}"]


def _no_log(span: str, lines: int) -> Sequence[str]:
    del span, lines
    return ()


def _no_objects(text: str) -> list[Json]:
    del text
    return []


def _prepared(apply: KubernetesApply, maps: Sequence[ImageMap]) -> list[Json]:
    del maps
    kind, name = apply.spec.yaml.split("/")
    return [{"apiVersion": _VERSIONS.get(kind, "apps/v1"), "kind": kind, "metadata": {"name": name}, "spec": {}}]


def _resource(story: ResourceStory) -> Resource:
    meta = ObjectMeta(name=story.name)
    if story.kind in {"local", "serve"}:
        command = CmdSpec(args=(story.name,))
        local = LocalSpec(update=command) if story.kind == "local" else LocalSpec(serve=command)
        return Resource(
            metadata=meta,
            spec=ResourceSpec(kind="local", local=local, depends_on=story.depends_on, allow_parallel=True),
        )
    made = KubernetesSpec(apply=KubernetesApplySpec(yaml=f"{story.kind}/{story.name}"))
    return Resource(
        metadata=meta,
        spec=ResourceSpec(
            kind="kubernetes",
            kubernetes=made,
            depends_on=story.depends_on,
            pod_readiness="succeeded" if story.kind == "Job" else "wait",
        ),
    )


def play(story: Story) -> Ending:
    """Play the story in virtual time and judge its ending."""
    random.seed(story.seed)  # the product's own jitter
    return virtual_time.run(Play(story).run)


def play_seed(seed: int) -> Ending:
    """Play the story of a seed; here, and not where it is used, so that another process finds it."""
    return play(story(seed))
