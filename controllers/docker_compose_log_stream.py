"""The DockerComposeLogStream controller: reads the logs of a service's containers, each run of each to its end."""

from __future__ import annotations

from datetime import UTC, datetime
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

    from upright.controllers.engines import Engines
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.engine.protocol import Engine
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
            if one.state.started_at is None or (not one.state.running and run_of(one.id, one.state.started_at) in read):
                continue
            writer = self._writer(stream, one, several=service.status.replicas > 1)
            view = turn.tasks.ensure(one.id, one.id, partial(self._read, one.id, writer))
            read |= {view.value} if view.value else set()
            error = str(view.error) if view.error is not None else error
        return Outcome(
            DockerComposeLogStreamStatus(
                started_at=before.started_at or self._clock(), error=error, read=tuple(sorted(read))
            )
        )

    async def _read(self, container: str, writer: LogWriter, report: Callable[[Any], None]) -> None:
        """Read the log as long as the container is there, run after run; report each run that was read to its end."""
        engine = await self._engines.get()
        lines = Lines(writer.write)
        while True:
            try:
                run = (await engine.container(container)).started
                await self._read_run(engine, container, lines)
                lines.close()
                report(run_of(container, run))
                await self._next_run(engine, container, run)
            except NotFound:
                break
            except EngineError:
                await anyio.sleep(RETRY_SECONDS)
        lines.close()

    async def _read_run(self, engine: Engine, container: str, lines: Lines) -> None:
        """Read until the container ends, going on where its log was read to."""
        async with engine.logs(container, follow=True, since=_moment(self._last.get(container, ""))) as found:
            async for line in found:
                if line.time > self._last.get(container, ""):
                    self._last[container] = line.time
                    lines(line.data)

    async def _next_run(self, engine: Engine, container: str, run: datetime | None) -> None:
        """Return when the container has been started again."""
        async with engine.events({}, ("start",)) as events:
            if (await engine.container(container)).started != run:
                return
            async for event in events:
                if event.container == container:
                    return

    def _writer(self, stream: DockerComposeLogStream, container: ComposeContainer, *, several: bool) -> LogWriter:
        resource = stream.metadata.annotations.get(RESOURCE, stream.name)
        return self._logs.open(span_of(resource, container.name if several else ""), resource)

    def _streams_of(self, obj: Object) -> Iterable[Key]:
        return [Key("", stream.name) for stream in self.caches.of(DockerComposeLogStream).owned_by(obj.metadata.uid)]


def span_of(resource: str, container: str = "") -> str:
    """Return the log span of a service's container; ``container`` where it has several."""
    return f"dc:{resource}:{container}" if container else f"dc:{resource}"


def run_of(container: str, started: datetime | None) -> str:
    """Return what names one run of a container: each start is a new one."""
    return f"{container[:12]}@{started.isoformat() if started is not None else ''}"


def _moment(time: str) -> datetime | None:
    """Return a log's time as a date, a little before it: dates have fewer digits."""
    return datetime.fromisoformat(time[:26].rstrip("Z")).replace(tzinfo=UTC) if time else None
