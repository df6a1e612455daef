"""The DockerComposeLogStream controller: reads the logs of a service's containers, each run of each to its end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import anyio

from upright.controllers.fingerprint import RESOURCE
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.world.engine.errors import EngineError, NotFound
from upright.controllers.world.output import Lines
from upright.openapi.v1alpha1.docker_compose_log_stream import DockerComposeLogStream, DockerComposeLogStreamStatus
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeService

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from upright.controllers.engines import Engines
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.logs import Logs, LogWriter
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.docker_compose_service import ComposeContainer

RETRY_SECONDS = 0.5


class DockerComposeLogStreamController(Controller[DockerComposeLogStream]):
    """Reads logs. A container's run that was read to its end is not read again."""

    kind: ClassVar[type[Object]] = DockerComposeLogStream

    def __init__(self, engines: Engines, logs: Logs, clock: Callable[[], datetime]) -> None:
        self._engines = engines
        self._logs = logs
        self._clock = clock
        self._last: dict[str, str] = {}

    def watches(self) -> Iterable[Watch]:
        yield Watch(DockerComposeService, self._streams_of)

    async def reconcile(self, turn: Turn[DockerComposeLogStream]) -> Outcome:
        stream, before = turn.obj, turn.obj.status
        owner = next(iter(stream.metadata.owner_references), None)
        service = turn.get(DockerComposeService, owner.name) if owner is not None else None
        if service is None or not service.status.containers:
            return Outcome()
        read = set(before.read)
        error = ""
        for one in service.status.containers:
            run = run_of(one)
            if one.state.started_at is None or run in read:
                continue
            writer = self._writer(stream, one, several=service.status.replicas > 1)
            view = turn.tasks.ensure(one.id, run, partial(self._read, one, writer))
            if view.done and view.error is None and not one.state.running:
                read.add(run)
            error = str(view.error) if view.error is not None else error
        return Outcome(
            DockerComposeLogStreamStatus(
                started_at=before.started_at or self._clock(), error=error, read=tuple(sorted(read))
            )
        )

    async def _read(self, container: ComposeContainer, writer: LogWriter, report: Callable[[Any], None]) -> None:
        """Read until the container's run ends, going on where its log was read to."""
        del report
        engine = await self._engines.get()
        lines = Lines(writer.write)
        while True:
            try:
                async with engine.logs(container.id, follow=True, since=_moment(container)) as found:
                    async for line in found:
                        if line.time > self._last.get(container.id, ""):
                            self._last[container.id] = line.time
                            lines(line.data)
            except NotFound:
                break
            except EngineError:
                await anyio.sleep(RETRY_SECONDS)
            else:
                break
        lines.close()

    def _writer(self, stream: DockerComposeLogStream, container: ComposeContainer, *, several: bool) -> LogWriter:
        resource = stream.metadata.annotations.get(RESOURCE, stream.name)
        return self._logs.open(span_of(resource, container.name if several else ""), resource)

    def _streams_of(self, obj: Object) -> Iterable[Key]:
        return [Key("", stream.name) for stream in self.caches.of(DockerComposeLogStream).owned_by(obj.metadata.uid)]


def span_of(resource: str, container: str = "") -> str:
    """Return the log span of a service's container; ``container`` where it has several."""
    return f"dc:{resource}:{container}" if container else f"dc:{resource}"


def run_of(container: ComposeContainer) -> str:
    """Return what names one run of a container: each start is a new one."""
    started = container.state.started_at
    return f"{container.id[:12]}@{started.isoformat() if started is not None else ''}"


def _moment(container: ComposeContainer) -> datetime | None:
    """Return from when on the log is of interest: that of an earlier run of the same container was read already."""
    return container.state.started_at if container.restarts else None
