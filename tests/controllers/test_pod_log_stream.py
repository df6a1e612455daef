"""Each run of each container is read once, to its end, whatever breaks meanwhile."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.controllers.fake_kubernetes import FakeKubernetes, FakeLog
from tests.controllers.rooms import Room, now, room
from tests.controllers.verdict.cases import container, ended, pod, running, waiting
from upright.client.log_folder import Selection
from upright.controllers.cluster import ClusterController
from upright.controllers.clusters import Clusters
from upright.controllers.fingerprint import RESOURCE, SPAN
from upright.controllers.pod_log_stream import PodLogStreamController
from upright.openapi.meta import ObjectMeta, OwnerReference
from upright.openapi.v1alpha1.cluster import Cluster, ClusterConnection, ClusterSpec, KubernetesConnection
from upright.openapi.v1alpha1.kubernetes_discovery import (
    KubernetesDiscovery,
    KubernetesDiscoverySpec,
    KubernetesDiscoveryStatus,
    WatchRef,
)
from upright.openapi.v1alpha1.pod_log_stream import ContainerLogStreamStatus, PodLogStream, PodLogStreamSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from upright.openapi.v1alpha1.kubernetes_discovery import Container

CLUSTER = Cluster(
    metadata=ObjectMeta(name="default"),
    spec=ClusterSpec(connection=ClusterConnection(kubernetes=KubernetesConnection(context="fake"))),
)
SPAN_OF_WEB = "pod:web:web-1:web"


@dataclass
class World:
    room: Room
    kubernetes: FakeKubernetes

    def log(self, text: str = "", *, run: int = 0, name: str = "web", end: bool = False, breaks: int = 0) -> FakeLog:
        made = FakeLog(text.encode(), end, breaks)
        self.kubernetes.logs_of["web-1", name, run] = made
        return made

    async def shows(self, *containers: Container, inits: tuple[Container, ...] = ()) -> None:
        """Have the pod be seen with these containers; the first time, its logs are asked for."""
        status = KubernetesDiscoveryStatus(pods=(pod(*containers, init_containers=inits),))
        known = (await self.room.client.list(KubernetesDiscovery)).items
        if known:
            await self.room.say(known[0], status)
            return
        spec = KubernetesDiscoverySpec(watches=(WatchRef(namespace="default"),))
        made = await self.room.put(KubernetesDiscovery(metadata=ObjectMeta(name="web"), spec=spec), status)
        await self.room.put(stream(made))

    async def read(self, *, run: int = 0, name: str = "web") -> ContainerLogStreamStatus:
        """Return when the run was read to its end."""

        def wanted(one: PodLogStream) -> bool:
            return any(s.name == name and s.terminated and s.run == run for s in one.status.container_statuses)

        found = await self.room.until(PodLogStream, "web-1", wanted)
        return next(one for one in found.status.container_statuses if one.name == name)

    async def line(self, text: str) -> None:
        """Return when the line was logged."""
        async with self.room.logs.follow(Selection(span=SPAN_OF_WEB)) as batches:
            async for batch in batches:
                if any(line.text == text for line in batch):
                    return


def stream(owner: KubernetesDiscovery, **spec: object) -> PodLogStream:
    about = owner.definition
    reference = OwnerReference(
        api_version=about.api_version, kind=about.kind, name=owner.name, uid=owner.metadata.uid, controller=True
    )
    fields = {"pod": "web-1", "namespace": "default", "cluster": "default", **spec}
    notes = {RESOURCE: "web", SPAN: "pod:web:web-1"}
    return PodLogStream(
        metadata=ObjectMeta(name="web-1", annotations=notes, owner_references=(reference,)),
        spec=PodLogStreamSpec.model_validate(fields),
    )


@asynccontextmanager
async def world(folder: Path, kubernetes: FakeKubernetes | None = None) -> AsyncGenerator[World]:
    fake, clusters = kubernetes or FakeKubernetes(), Clusters()
    async with room(
        folder,
        lambda logs: [ClusterController(fake.opened, clusters, logs, now), PodLogStreamController(clusters, logs)],
    ) as opened:
        if kubernetes is None:
            await opened.put(CLUSTER)
        await opened.until(Cluster, "default", lambda one: one.status.arch)
        yield World(opened, fake)


def runs(restarts: int = 0, **more: object) -> Container:
    return container(running(), restarts=restarts, **more)


async def test_a_log_is_read_while_it_grows_and_to_its_end(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        log = w.log("one\ntw")
        await w.shows(runs())
        await w.line("one")
        log.write("o\nthree", end=True)
        status = await w.read()
        assert (status.active, status.error) == (False, "")
        assert w.room.log(SPAN_OF_WEB) == ["one", "two", "three"]


async def test_a_container_that_has_not_begun_has_no_log(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.shows(container(waiting("ContainerCreating")))
        await w.room.settled()
        assert w.kubernetes.asked == []


async def test_each_run_is_read_once(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.log("first\n", end=True)
        await w.shows(runs())
        await w.read()
        w.log("second\n", run=1, end=True)
        await w.shows(runs(1, last=ended(7)))
        await w.read(run=1)
        await w.shows(runs(1, last=ended(7), ready=False))
        await w.room.settled()
        assert w.room.log(SPAN_OF_WEB) == ["first", "second"]
        assert [(one.attempt, one.previous) for one in w.kubernetes.asked] == [(0, False), (1, False)]


async def test_a_run_that_was_missed_is_read_as_the_previous_one(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.log("missed\n", run=1, end=True)
        w.log("now\n", run=2, end=True)
        await w.shows(runs(2, last=ended(7)))
        await w.read(run=2)
        assert w.room.log(SPAN_OF_WEB) == ["missed", "now"]
        assert [(one.attempt, one.previous, one.follow) for one in w.kubernetes.asked] == [
            (1, True, False),
            (2, False, True),
        ]


async def test_a_run_that_is_not_kept_any_more_is_left_out(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.log("now\n", run=2, end=True)
        await w.shows(runs(2, last=ended(7)))
        await w.read(run=2)
        assert w.room.log(SPAN_OF_WEB) == ["now"]


@pytest.mark.slow
async def test_after_a_connection_broke_it_goes_on_where_it_was(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        log = w.log("one\ntwo\nthree\n", end=True, breaks=6)
        await w.shows(runs())
        await w.read()
        assert w.room.log(SPAN_OF_WEB) == ["one", "two", "three"]
        assert log.opened == 2


async def test_lines_of_several_containers_are_told_apart(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.log("up\n", end=True)
        w.log("ready\n", name="side", end=True)
        w.log("migrated\n", name="init", end=True)
        inits = (container(ended(0), name="init"),)
        await w.shows(runs(), runs(name="side"), inits=inits)
        for name in ("web", "side", "init"):
            await w.read(name=name)
            assert w.room.log(f"pod:web:web-1:{name}")[0].startswith(f"[{name}] ")


async def test_containers_can_be_left_out(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.log("up\n", end=True)
        await w.shows(runs(), runs(name="istio-proxy"))
        made = await w.room.client.get(PodLogStream, "web-1")
        spec = made.spec.model_copy(update={"ignore_containers": ("istio-proxy",)})
        await w.room.client.update(made.model_copy(update={"spec": spec}))
        found = await w.room.until(PodLogStream, "web-1", lambda one: len(one.status.container_statuses) == 1)
        assert found.status.container_statuses[0].name == "web"


async def test_a_run_that_was_read_is_not_read_again_by_another_server(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.log("one\n", end=True)
        await w.shows(runs())
        await w.read()
        before = await w.room.client.get(PodLogStream, "web-1")
    async with world(tmp_path, w.kubernetes) as again:
        await again.shows(runs())
        await again.room.settled()
        assert len(w.kubernetes.asked) == 1
        assert (await again.room.client.get(PodLogStream, "web-1")).status == before.status


async def test_a_run_that_was_being_read_goes_on_from_its_last_line(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.log("one\n")
        await w.shows(runs())
        await w.line("one")
        await w.room.until(PodLogStream, "web-1", lambda one: one.status.container_statuses)
        last = w.room.logs.last_time(SPAN_OF_WEB)
        assert w.kubernetes.asked[0].since is None
    async with world(tmp_path, w.kubernetes) as again:
        await again.shows(runs())
        w.log("two\n", end=True)
        await again.read()
        assert w.kubernetes.asked[-1].since == last


async def test_its_reading_ends_with_the_stream(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        log = w.log("one\n")
        await w.shows(runs())
        await w.line("one")
        await w.room.client.delete(PodLogStream, "web-1")
        await w.room.settled()
        log.write("two\n", end=True)
        await w.room.settled()
        assert w.room.log(SPAN_OF_WEB) == ["one"]
