"""The embedded cluster with its real server and controllers, and a node that only says how its Pods are."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.lowlevel

from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.storage.store import Store
from upright.client.client import Client
from upright.controllers.node.machine import this_node
from upright.controllers.node.workloads import Workloads
from upright.controllers.runtime.controller import Controller, Outcome
from upright.openapi import apps_v1, batch_v1, core_v1, discovery_v1
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.pod_status import (
    ContainerState,
    ContainerStateRunning,
    ContainerStateTerminated,
    ContainerStatus,
    PodCondition,
    PodStatus,
)
from upright.openapi.meta import Object
from upright.openapi.scheme import discover

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from upright.controllers.runtime.manager import Manager
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Json

T = TypeVar("T", bound=Object)
PATIENCE_SECONDS = 10.0
SCHEME = discover(core_v1, apps_v1, batch_v1, discovery_v1)


class Clock:
    """Runs as the loop does, from a fixed date on; ``ahead`` moves it."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._begun: float | None = None

    def __call__(self) -> datetime:
        now = anyio.current_time()
        self._begun = now if self._begun is None else self._begun
        return datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(seconds=now - self._begun) + self.ahead


class FakeNode(Controller[Pod]):
    """Does with a bound Pod what its image is called: runs (and is ready), waits, fails, ends."""

    kind = Pod

    def __init__(self) -> None:
        self.stopping: Callable[[Pod], bool] = lambda _: True

    async def reconcile(self, turn: Turn[Pod]) -> Outcome:
        pod = turn.obj
        if not pod.spec.node_name:
            return Outcome()
        if pod.metadata.deletion_timestamp is not None:
            if self.stopping(pod):
                meta = pod.metadata
                await turn.client.delete(Pod, meta.name, namespace=meta.namespace, uid=meta.uid, grace_seconds=0)
            return Outcome()
        return Outcome(lived(pod, turn.now))


def lived(pod: Pod, now: datetime) -> PodStatus:
    """Return how the Pod is, by its image's name."""
    word = pod.spec.containers[0].image.partition(":")[0]
    if pod.finished or (pod.ready and word == "runs"):
        return pod.status
    number = pod.metadata.uid.replace("-", "")
    ip = f"10.9.{int(number[:2], 16)}.{int(number[2:4], 16)}"
    if word == "waits":
        return pod.status.model_copy(update={"pod_ip": ip})
    exit_code = {"fails": 1, "ends": 0}.get(word)
    state = ContainerState(running=ContainerStateRunning(started_at=now))
    if exit_code is not None:
        state = ContainerState(terminated=ContainerStateTerminated(exit_code=exit_code, finished_at=now))
    return PodStatus(
        phase={None: "Running", 0: "Succeeded"}.get(exit_code, "Failed"),
        pod_ip=ip,
        conditions=(
            PodCondition(type="PodScheduled", status="True"),
            PodCondition(type="Ready", status="False" if exit_code is not None else "True", last_transition_time=now),
        ),
        container_statuses=(ContainerStatus(name="web", state=state, ready=exit_code is None),),
    )


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster as a test sees it."""

    registry: Registry
    client: Client
    manager: Manager
    clock: Callable[[], datetime]
    node: FakeNode

    async def until(self, kind: type[T], holds: Callable[[list[T]], bool], namespace: str = "default") -> list[T]:
        """Wait until the objects of the namespace are as wished, and return them."""
        with anyio.fail_after(PATIENCE_SECONDS):
            listing = await self.client.list(kind, namespace=namespace)
            there = {obj.metadata.uid: obj for obj in listing.items}
            if holds([*there.values()]):
                return [*there.values()]
            async with self.client.watch(
                kind, resource_version=listing.resource_version, namespace=namespace
            ) as changes:
                async for change in changes:
                    if change.object is None:
                        continue
                    if change.type == "DELETED":
                        there.pop(change.object.metadata.uid, None)
                    else:
                        there[change.object.metadata.uid] = change.object
                    if holds([*there.values()]):
                        return [*there.values()]
        raise AssertionError("the watch ended")

    async def settled(self) -> None:
        """Wait until no controller has anything to do now."""
        with anyio.fail_after(PATIENCE_SECONDS):
            quiet = 0
            while quiet < 20:
                await anyio.lowlevel.checkpoint()
                busy = any(not loop.queue.idle for loop in self.manager.loops)
                quiet = 0 if busy else quiet + 1
                if quiet == 10:
                    await self.client.list(Pod)
                    await anyio.sleep(0.02)


@asynccontextmanager
async def server(folder: Path, clock: Callable[[], datetime]) -> AsyncGenerator[Registry]:
    """Run the server alone, with nobody to act on what it holds."""
    async with Store.open(str(folder / "cluster.db"), durable=False) as store:
        yield Registry(SCHEME, store, clock)


@asynccontextmanager
async def cluster(folder: Path, clock: Callable[[], datetime] | None = None) -> AsyncGenerator[Cluster]:
    """Run the cluster; a second time on the same folder is a restart."""
    clock = clock or Clock()
    async with server(folder, clock) as registry:
        client = Client(InProcess(registry))
        node = FakeNode()
        machine = this_node("127.0.0.1", "fake://1", "v1.36.2+upright", clock())
        workloads = Workloads(client, SCHEME, clock, machine, [node])
        async with anyio.create_task_group() as group:
            await group.start(workloads.run)
            yield Cluster(registry, client, workloads.manager, clock, node)
            group.cancel_scope.cancel()


def template(image: str, **more: object) -> Json:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}], **more},
    }


def deployment(image: str, **spec: object) -> Json:
    """Return a Deployment of the name web."""
    selector = {"matchLabels": {"app": "web"}}
    return {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": selector, "template": template(image), **spec},
    }


def job(image: str, policy: str = "Never", **spec: object) -> Json:
    """Return a Job of the name run."""
    return {
        "metadata": {"name": "run", "namespace": "default"},
        "spec": {"template": template(image, restartPolicy=policy), **spec},
    }
