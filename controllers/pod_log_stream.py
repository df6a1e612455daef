"""The PodLogStream controller: reads the logs of a pod's containers, each run of each to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import anyio
from msgspec import Struct

from upright.controllers.fingerprint import RESOURCE, SPAN
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.world.kubernetes import LogRequest
from upright.controllers.world.output import Lines
from upright.openapi.errors import APIError, BadRequest, NotFound
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery
from upright.openapi.v1alpha1.pod_log_stream import ContainerLogStreamStatus, PodLogStream, PodLogStreamStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from upright.controllers.clusters import Clusters
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.kubernetes import Kubernetes
    from upright.controllers.world.logs import Logs, LogWriter
    from upright.openapi.meta import Object
from upright.openapi.v1alpha1.kubernetes_discovery import Container, Pod

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


class _Run(Struct, frozen=True):
    """One run of one container; ``previous``: it is over and a newer one has begun."""

    container: str
    number: int
    previous: bool = False


class PodLogStreamController(Controller[PodLogStream]):
    """Reads logs. A container's run that was read to its end is not read again, also after a restart of ours."""

    kind: ClassVar[type[Object]] = PodLogStream

    def __init__(self, clusters: Clusters, logs: Logs) -> None:
        self._clusters = clusters
        self._logs = logs

    def watches(self) -> Iterable[Watch]:
        yield Watch(KubernetesDiscovery, self._streams_of)
        yield Watch(Cluster, lambda _: [Key("", found.name) for found in self.caches.of(PodLogStream).all()])

    async def reconcile(self, turn: Turn[PodLogStream]) -> Outcome:
        stream = turn.obj
        kubernetes = self._clusters.get(stream.spec.cluster)
        pod = self._pod(turn)
        if kubernetes is None or pod is None:
            return Outcome()
        known = {status.name: status for status in stream.status.container_statuses}
        several = len(pod.containers) > 1
        statuses: list[ContainerLogStreamStatus] = []
        for container, is_init in self._chosen(stream, pod):
            before = known.get(container.name, ContainerLogStreamStatus(name=container.name))
            statuses.append(self._one(turn, kubernetes, (container, before), prefixed=several or is_init))
        return Outcome(PodLogStreamStatus(container_statuses=tuple(statuses)))

    def _pod(self, turn: Turn[PodLogStream]) -> Pod | None:
        spec = turn.obj.spec
        for owner in turn.obj.metadata.owner_references:
            discovery = turn.get(KubernetesDiscovery, owner.name)
            for pod in discovery.status.pods if discovery is not None else ():
                if (pod.name, pod.namespace) == (spec.pod, spec.namespace):
                    return pod
        return None

    def _chosen(self, stream: PodLogStream, pod: Pod) -> Iterable[tuple[Container, bool]]:
        only, ignored = stream.spec.only_containers, stream.spec.ignore_containers
        for container in (*pod.init_containers, *pod.containers):
            if (not only or container.name in only) and container.name not in ignored:
                yield container, container in pod.init_containers

    def _one(
        self,
        turn: Turn[PodLogStream],
        kubernetes: Kubernetes,
        known: tuple[Container, ContainerLogStreamStatus],
        *,
        prefixed: bool,
    ) -> ContainerLogStreamStatus:
        """Have the container's newest run read; a run that ended before it could be read is read as the previous one."""
        container, before = known
        begun = bool(container.state.running or container.state.terminated or container.last)
        if not begun:
            return before
        number = container.restarts
        view = turn.tasks.get(container.name)
        reading = view.cause if view is not None else None
        if isinstance(reading, _Run) and reading.number < number and view is not None and not view.done:
            return before
        done_to = before.run if before.terminated else before.run - 1  # a run is begun when those before it are read
        if isinstance(reading, _Run) and view is not None and view.done and view.error is None:
            done_to = max(done_to, reading.number)
        if done_to >= number:
            return before.model_copy(update={"active": False, "terminated": True, "run": number, "error": ""})
        run = _Run(container.name, number)
        if done_to + 1 < number and number > 0:
            run = _Run(container.name, number - 1, previous=True)
        broken_off = view is None and before.active and before.run == run.number
        kept = turn.tasks.ensure(
            container.name, run, lambda _: self._read(turn.obj, kubernetes, run, prefixed=prefixed, again=broken_off)
        )
        error = str(kept.error) if kept.error is not None else ""
        return ContainerLogStreamStatus(name=container.name, active=not kept.done, error=error, run=run.number)

    async def _read(
        self, stream: PodLogStream, kubernetes: Kubernetes, run: _Run, *, prefixed: bool, again: bool
    ) -> None:
        """Read one run to its end; a broken connection is mended, going on where it broke.

        ``again``: an earlier server of ours was reading it; what has been logged since then is read.
        """
        notes = stream.metadata.annotations
        span = f"{notes.get(SPAN, f'pod:{stream.name}')}:{run.container}"
        writer = self._logs.open(span, notes.get(RESOURCE, ""))
        lines = Lines(lambda text: self._write(writer, text, f"[{run.container}] " if prefixed else ""))
        request = LogRequest(
            stream.spec.namespace,
            stream.spec.pod,
            run.container,
            previous=run.previous,
            follow=not run.previous,
            attempt=run.number,
            since=(self._logs.last_time(span) if again else None) or stream.spec.since_time,
        )
        pause = FIRST_PAUSE_SECONDS
        read = 0
        while True:
            try:
                async with kubernetes.logs(request) as chunks:
                    async for fresh in _after(chunks, read):
                        read += len(fresh)
                        pause = FIRST_PAUSE_SECONDS
                        lines(fresh)
            except NotFound:
                break
            except (APIError, OSError) as error:
                if run.previous and isinstance(error, BadRequest):  # what the node has thrown away
                    break
                await anyio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                break
        lines.close()

    def _write(self, writer: LogWriter, text: str, prefix: str) -> None:
        if not prefix:
            writer.write(text)
            return
        writer.write("".join(f"{prefix}{line}\n" for line in text.splitlines()))

    def _streams_of(self, obj: Object) -> Iterable[Key]:
        return [Key("", stream.name) for stream in self.caches.of(PodLogStream).owned_by(obj.metadata.uid)]


async def _after(chunks: AsyncIterator[bytes], read: int) -> AsyncIterator[bytes]:
    """Yield what follows the bytes that were read already: each time a log is opened it comes from its beginning."""
    async for chunk in chunks:
        fresh, read = chunk[read:], max(read - len(chunk), 0)
        if fresh:
            yield fresh
