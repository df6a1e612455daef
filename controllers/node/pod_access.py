"""Ways into a pod: its containers' logs, a program run beside theirs, a connection to one of its ports."""

from __future__ import annotations

import os
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from anyio.abc import SocketStream
from msgspec import Struct

from upright.controllers.node.labels import ATTEMPT, CONTAINER, POD_UID
from upright.controllers.node.log_text import log_text, to_the_end
from upright.controllers.world.engine.errors import EngineError
from upright.controllers.world.engine.errors import NotFound as NotInEngine
from upright.controllers.world.engine.protocol import ExecSpec
from upright.openapi.core_v1.pod import Pod
from upright.openapi.errors import BadRequest, InternalError, NotFound, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from upright.client.client import Client
    from upright.controllers.node.cluster_network import ClusterNetwork
    from upright.controllers.world.engine.protocol import Container as Found
    from upright.controllers.world.engine.protocol import Engine, ExecTerminal, Terminal

CONNECT_SECONDS = 5.0


class LogOptions(Struct, frozen=True):
    """Which part of a log; ``container`` may be empty where a pod has one only, ``attempt`` is one of its runs (0, 1, …)."""

    container: str = ""
    follow: bool = False
    previous: bool = False
    attempt: int | None = None
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since_seconds: int | None = None
    since_time: datetime | None = None


class PodAccess:
    """Finds a pod's containers in the engine, and opens them. Errors have Kubernetes' words."""

    def __init__(self, engine: Engine, network: ClusterNetwork, client: Client, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._network = network
        self._client = client
        self._clock = clock

    @asynccontextmanager
    async def log(self, namespace: str, name: str, options: LogOptions) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Open a container's log; the chunks end with it, or, followed, with its container.

        Raises NotFound (no such pod), BadRequest (no such container, or nothing was ever started).
        """
        pod = await self._client.get(Pod, name, namespace=namespace)
        container = _chosen(pod, options.container)
        found = await self._logged(pod, container, options)
        since = options.since_time
        if options.since_seconds is not None:
            since = self._clock() - timedelta(seconds=options.since_seconds)
        try:
            async with self._engine.logs(
                found.id, follow=options.follow, since=since, tail=options.tail_lines
            ) as opened:
                if not options.follow:
                    yield log_text(opened, timestamps=options.timestamps, limit_bytes=options.limit_bytes)
                    return
                whole = to_the_end(opened, lambda since: self._engine.logs(found.id, since=since))
                async with aclosing(whole) as lines:
                    yield log_text(lines, timestamps=options.timestamps, limit_bytes=options.limit_bytes)
        except NotInEngine:
            return  # the pod was deleted meanwhile: that is the end of its log
        except EngineError as error:
            raise InternalError(f"the log of {name} cannot be read: {error.message}") from error

    async def exec(
        self, namespace: str, name: str, container: str, command: tuple[str, ...], *, stdin: bool, tty: bool
    ) -> AbstractAsyncContextManager[ExecTerminal]:
        """Return the way to run a program in a running container."""
        found = await self._running(namespace, name, container)
        return self._engine.exec(found.id, ExecSpec(argv=command, stdin=stdin, tty=tty))

    async def attach(
        self, namespace: str, name: str, container: str, *, stdin: bool
    ) -> AbstractAsyncContextManager[Terminal]:
        """Return the way to a running container's own streams."""
        found = await self._running(namespace, name, container)
        return self._engine.attach(found.id, stdin=stdin)

    async def open_port(self, namespace: str, name: str, port: int) -> SocketStream:
        """Connect to a port of a pod; raises NotFound, ServiceUnavailable when nothing answers there."""
        pod = await self._client.get(Pod, name, namespace=namespace)
        if not pod.status.pod_ip or pod.status.phase != "Running":
            raise ServiceUnavailable(f"pod {name} is not running. Current status={pod.status.phase}")
        try:
            connected = await self._network.network.connect(pod.status.pod_ip, port, CONNECT_SECONDS)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else "timed out"
            raise ServiceUnavailable(f"dial tcp {pod.status.pod_ip}:{port}: {why.lower()}") from error
        return await SocketStream.from_socket(connected)

    async def _logged(self, pod: Pod, container: str, options: LogOptions) -> Found:
        attempts = await self._attempts(pod, container)
        if options.attempt is not None:
            attempts = [found for found in attempts if found.labels.get(ATTEMPT, "0") == str(options.attempt)]
        elif options.previous:
            ended = _previous(pod, container)
            for found in attempts:
                if f"docker://{found.id}" == ended:
                    return found
            raise BadRequest(f'previous terminated container "{container}" in pod "{pod.name}" not found')
        started = [found for found in attempts if found.state != "created"]
        if not started:
            why = _waiting(pod, container)
            raise BadRequest(f'container "{container}" in pod "{pod.name}" is waiting to start: {why}')
        return started[0]

    async def _running(self, namespace: str, name: str, container: str) -> Found:
        pod = await self._client.get(Pod, name, namespace=namespace)
        chosen = _chosen(pod, container)
        if pod.finished:
            raise BadRequest(f"cannot exec into a container in a completed pod; current phase is {pod.status.phase}")
        for found in await self._attempts(pod, chosen):
            if found.state == "running":
                return found
        raise NotFound(f'container not found ("{chosen}")')

    async def _attempts(self, pod: Pod, container: str) -> list[Found]:
        """Return the attempts at a container that the engine still has, the newest first."""
        found = await self._engine.containers({POD_UID: pod.metadata.uid, CONTAINER: container})
        return sorted(found, key=lambda one: int(one.labels.get(ATTEMPT, "0")), reverse=True)


def _chosen(pod: Pod, container: str) -> str:
    names = [one.name for one in pod.spec.containers]
    inits = [one.name for one in pod.spec.init_containers]
    if not container and len(names) == 1:
        return names[0]
    if not container:
        chosen = f"choose one of: [{' '.join(names)}]"
        also = f" or one of the init containers: [{' '.join(inits)}]" if inits else ""
        raise BadRequest(f"a container name must be specified for pod {pod.name}, {chosen}{also}")
    if container not in {*names, *inits}:
        raise BadRequest(f"container {container} is not valid for pod {pod.name}")
    return container


def _previous(pod: Pod, container: str) -> str:
    for one in (*pod.status.container_statuses, *pod.status.init_container_statuses):
        if one.name == container and one.last_state.terminated is not None:
            return one.last_state.terminated.container_id
    return ""


def _waiting(pod: Pod, container: str) -> str:
    for one in (*pod.status.container_statuses, *pod.status.init_container_statuses):
        if one.name == container and one.state.waiting is not None:
            reason = one.state.waiting.reason
            pulling = reason in {"ErrImagePull", "ImagePullBackOff"}
            return "trying and failing to pull image" if pulling else reason
    return "ContainerCreating"
