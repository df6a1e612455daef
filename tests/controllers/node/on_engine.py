"""The embedded cluster on a real container engine, as its tests see it."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from upright.apiserver.clock import utc_now
from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.storage.store import Store
from upright.client.client import Client
from upright.controllers.node.agent import NodeAgent
from upright.controllers.node.event_queue import EventQueue
from upright.controllers.node.events import Recorder
from upright.controllers.node.machine import ensure_node, this_node
from upright.controllers.node.namespaces import ensure_namespaces
from upright.controllers.node.pod_access import LogOptions, PodAccess
from upright.controllers.node.scheduler import SchedulerController
from upright.controllers.runtime.manager import Manager
from upright.controllers.world.engine.protocol import BuildRequest
from upright.openapi import core_v1
from upright.openapi.core_v1.event import Event
from upright.openapi.core_v1.namespace import Namespace
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.pod_status import ContainerState
from upright.openapi.errors import NotFound
from upright.openapi.meta import Object
from upright.openapi.scheme import discover

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

    from upright.controllers.node.agent import NodeParts
    from upright.controllers.runtime.controller import Controller
    from upright.controllers.world.engine.protocol import Engine


T = TypeVar("T", bound=Object)
IMAGE = "toolbox:1"
PATIENCE_SECONDS = 30.0
_APPLETS = (
    "sh", "sleep", "cat", "echo", "env", "httpd", "nc", "nslookup", "wget", "id", "ls", "true", "false", "stat", "tar", "stty", "test",
)  # fmt: skip
LOOKUP = "/glibc/ld-linux-* --library-path /glibc /glibc/getent ahostsv4"
"""Looks up a name as programs do; a static one, as busybox, cannot."""
_numbers = count(1)


async def toolbox(engine: Engine, folder: Path) -> None:
    """Build the image that all pods of the tests run: busybox, and nothing else."""
    context = folder / "toolbox"
    (context / "bin").mkdir(parents=True)
    (context / "tmp").mkdir()
    shutil.copy("/bin/busybox", context / "bin/busybox")
    for applet in _APPLETS:
        (context / "bin" / applet).symlink_to("busybox")
    (context / "glibc").mkdir()
    for file in (Path("/usr/bin/getent"), *_glibc()):
        shutil.copy(file, context / "glibc")
    request = BuildRequest(dockerfile='FROM scratch\nCOPY . /\nCMD ["sleep", "1000"]\n', context=context, tags=(IMAGE,))
    await engine.build(request, lambda _: None)


def _glibc() -> list[Path]:
    return [
        *Path("/lib").glob("*-linux-gnu/libc.so.6"),
        *Path("/lib64").glob("ld-linux-*"),
        *Path("/lib").glob("ld-linux-*"),
    ]


@dataclass(frozen=True, slots=True)
class RealCluster:
    """A cluster on an engine; each test takes a namespace of its own."""

    engine: Engine
    client: Client
    parts: NodeParts
    access: PodAccess
    events: EventQueue

    async def namespace(self) -> Space:
        name = f"test-{next(_numbers)}"
        await self.client.create(Namespace.model_validate({"metadata": {"name": name}}))
        return Space(self, name)


@dataclass(frozen=True, slots=True)
class Space:
    """One namespace, and the ways to act in it."""

    cluster: RealCluster
    name: str

    async def create(self, kind: type[T], name: str, **body: object) -> T:
        """Create an object; ``labels`` are its metadata's."""
        labels = body.pop("labels", {})
        wire = {"metadata": {"name": name, "namespace": self.name, "labels": labels}, **body}
        return await self.cluster.client.create(kind.model_validate(wire))

    async def pod(
        self,
        name: str,
        *command: str,
        container: Mapping[str, object] | None = None,
        labels: dict[str, str] | None = None,
        **spec: object,
    ) -> Pod:
        """Create a pod of one container that runs a shell command; ``container`` and the rest are more of its spec."""
        one: dict[str, object] = {"name": "web", "image": IMAGE, "imagePullPolicy": "IfNotPresent"}
        if command:
            one["command"] = ["/bin/sh", "-c", *command]
        whole = {
            "containers": [one | dict(container or {})],
            "terminationGracePeriodSeconds": 1,
            **spec,
        }
        return await self.create(Pod, name, labels=labels or {}, spec=whole)

    async def until(self, name: str, holds: Callable[[Pod], bool]) -> Pod:
        """Wait until the pod is as wished, and return it."""
        last = ""
        client = self.cluster.client
        with anyio.move_on_after(PATIENCE_SECONDS):
            async with client.watch(Pod, namespace=self.name) as changes:
                async for change in changes:
                    if change.object is None or change.object.name != name:
                        continue
                    last = str(change.object.status.to_wire())
                    if change.type != "DELETED" and holds(change.object):
                        return change.object
        raise AssertionError(f"pod {name} is not as wished; last seen: {last}")

    async def ready(self, name: str) -> Pod:
        return await self.until(name, lambda pod: pod.ready)

    async def gone(self, name: str) -> None:
        """Wait until the pod is not there any more."""
        with anyio.fail_after(PATIENCE_SECONDS):
            async with self.cluster.client.watch(Pod, namespace=self.name) as changes:
                try:
                    await self.cluster.client.get(Pod, name, namespace=self.name)
                except NotFound:
                    return
                async for change in changes:
                    if change.type == "DELETED" and change.object is not None and change.object.name == name:
                        return

    async def log(self, name: str, **options: object) -> str:
        chosen = LogOptions(**options)  # type: ignore[arg-type]  # the fields of LogOptions
        async with self.cluster.access.log(self.name, name, chosen) as chunks:
            return b"".join([chunk async for chunk in chunks]).decode()

    async def told(self, name: str, reason: str) -> Event:
        """Wait for an event of the pod with this reason."""
        with anyio.fail_after(PATIENCE_SECONDS):
            async with self.cluster.client.watch(Event, namespace=self.name) as changes:
                async for change in changes:
                    event = change.object
                    if event is not None and event.involved_object.name == name and event.reason == reason:
                        return event
        raise AssertionError("the watch ended")

    async def says(self, pod: str, *command: str) -> tuple[int, str]:
        """Run a command in the pod's container, and return exit code and output."""
        opened = await self.cluster.access.exec(self.name, pod, "", command, stdin=False, tty=False)
        output = b""
        async with opened as terminal:
            while piece := await terminal.read():
                output += piece.data
            return await terminal.exit_code(), output.decode()


def restarts(pod: Pod) -> int:
    return sum(one.restart_count for one in pod.status.container_statuses)


def state(pod: Pod, name: str = "web") -> ContainerState:
    """Return the state of a container; one that is empty before the first status."""
    statuses = (*pod.status.container_statuses, *pod.status.init_container_statuses)
    found = next((one for one in statuses if one.name == name), None)
    return found.state if found else ContainerState()


def waits(pod: Pod, reason: str, name: str = "web") -> bool:
    waiting = state(pod, name).waiting
    return waiting is not None and waiting.reason == reason


@asynccontextmanager
async def real_cluster(engine: Engine, database: Path) -> AsyncGenerator[RealCluster]:
    """Run the server, the scheduler and the node agent."""
    async with unmanaged(engine, database, "test") as cluster, anyio.create_task_group() as group:
        await group.start(manager(cluster, cluster.parts.controllers).run)
        group.start_soon(cluster.parts.sweep)
        yield cluster
        group.cancel_scope.cancel()


@asynccontextmanager
async def unmanaged(engine: Engine, database: Path, run: str) -> AsyncGenerator[RealCluster]:
    """Run the server and what the node agent stands on, but no controllers."""
    async with Store.open(str(database), durable=False) as store:
        client = Client(InProcess(Registry(discover(core_v1), store, utc_now)))
        await ensure_namespaces(client)
        events = EventQueue(Recorder(client, "default-scheduler", utc_now))
        agent = NodeAgent(engine, client, utc_now, name=f"upright-{run}", labels={"upright/run": run})
        async with anyio.create_task_group() as group:
            parts: NodeParts = await group.start(agent.run)
            await ensure_node(client, this_node(parts.network.host_ip, "docker://20.10", "v1.36.2", utc_now()))
            await group.start(events.run)
            yield RealCluster(engine, client, parts, PodAccess(engine, parts.network, client, utc_now), events)
            group.cancel_scope.cancel()


def manager(cluster: RealCluster, controllers: Iterable[Controller[Any]]) -> Manager:
    """Return a manager of the scheduler and these controllers."""
    return Manager(cluster.client, utc_now, [SchedulerController(cluster.events), *controllers])
