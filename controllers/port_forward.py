"""The PortForward controller: listens on this machine and leads what connects to the pod."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
from anyio import create_task_group, create_tcp_listener
from anyio.abc import SocketAttribute

from upright.controllers.fingerprint import RESOURCE
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.openapi.errors import APIError
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.port_forward import ForwardStatus, PortForward, PortForwardStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable
    from datetime import datetime

    from anyio.abc import ByteReceiveStream, ByteStream, SocketStream
    from anyio.streams.stapled import MultiListener

    from upright.controllers.clusters import Clusters
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.kubernetes import Kubernetes
    from upright.controllers.world.logs import Logs
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.port_forward import Forward

FIRST_PAUSE_SECONDS = 0.05
QUIET_PAUSE_SECONDS = 0.5
"""A port that another forward is just letting go of is not worth a word."""
LONGEST_PAUSE_SECONDS = 15.0
CHUNK_BYTES = 65536


class PortForwardController(Controller[PortForward]):
    """One listener a forward; each connection is led to the pod by the cluster. ``host`` is where it listens by default."""

    kind: ClassVar[type[Object]] = PortForward
    heeds_status: ClassVar[bool] = False

    def __init__(self, clusters: Clusters, logs: Logs, clock: Callable[[], datetime], host: str = "localhost") -> None:
        self._clusters = clusters
        self._logs = logs
        self._clock = clock
        self._host = host

    def watches(self) -> Iterable[Watch]:
        yield Watch(Cluster, lambda _: [Key("", found.name) for found in self.caches.of(PortForward).all()])

    async def reconcile(self, turn: Turn[PortForward]) -> Outcome:
        forward = turn.obj
        kubernetes = self._clusters.get(forward.spec.cluster)
        if kubernetes is None:
            return Outcome()
        statuses: list[ForwardStatus] = []
        for index, one in enumerate(forward.spec.forwards):
            run = partial(self._listen, forward, one, kubernetes)
            view = turn.tasks.ensure(str(index), (one.model_dump_json(), id(kubernetes)), run)
            if isinstance(view.value, ForwardStatus):
                statuses.append(view.value)
        return Outcome(PortForwardStatus(forward_statuses=tuple(statuses)))

    async def _listen(
        self, forward: PortForward, one: Forward, kubernetes: Kubernetes, report: Callable[[Any], None]
    ) -> None:
        """Listen until ended; a port that is taken is tried again with growing pauses, and told."""
        host = one.host or self._host
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                listener = await create_tcp_listener(local_host=host, local_port=one.local_port)
            except OSError as error:
                told = f"cannot listen on {host}:{one.local_port}: {error.strerror or error}"
                report(ForwardStatus(local_port=one.local_port, container_port=one.container_port, error=told))
                if pause > QUIET_PAUSE_SECONDS:
                    self._say(forward, told, level="WARN")
                await anyio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            async with _closed_whole(listener):
                port = int(listener.extra(SocketAttribute.local_port))  # noqa: S610  reason: a socket, not a Django query
                report(
                    ForwardStatus(
                        local_port=port,
                        container_port=one.container_port,
                        addresses=(host,),
                        started_at=self._clock(),
                    )
                )
                await listener.serve(lambda stream: self._lead(forward, one, kubernetes, stream))

    async def _lead(self, forward: PortForward, one: Forward, kubernetes: Kubernetes, near: SocketStream) -> None:
        spec = forward.spec
        async with near:
            try:
                far = await kubernetes.open_port(spec.namespace, spec.pod_name, one.container_port)
            except (APIError, OSError) as error:
                ports = f"({one.local_port} -> {one.container_port})"
                self._say(forward, f"Error port-forwarding {ports}: {error}", level="WARN")
                return
            async with far, create_task_group() as group:
                group.start_soon(_pump, near, far)
                await _pump(far, near)
                group.cancel_scope.cancel()

    def _say(self, forward: PortForward, text: str, *, level: Any) -> None:  # noqa: ANN401  reason: a log level's literal
        resource = forward.metadata.annotations.get(RESOURCE, "")
        self._logs.open(f"portforward:{forward.name}", resource).write(text, level=level)


@asynccontextmanager
async def _closed_whole(listener: MultiListener[SocketStream]) -> AsyncGenerator[None]:
    """Close all addresses of a listener, however its user ends: anyio leaves the second one open when it is cancelled."""
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await listener.aclose()


async def _pump(source: ByteReceiveStream, sink: ByteStream) -> None:
    """Carry bytes until the source ends, then tell the sink that no more will come."""
    try:
        while True:
            await sink.send(await source.receive(CHUNK_BYTES))
    except anyio.EndOfStream:
        pass
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return
    try:
        await sink.send_eof()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        return
