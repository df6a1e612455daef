"""Asks a running container how it is: startup first, then liveness and readiness side by side."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import anyio
from anyio.abc import SocketStream
from msgspec import Struct
from msgspec.structs import replace

from upright.controllers.node.sight import ProbeSight
from upright.controllers.world.engine.errors import EngineError
from upright.controllers.world.engine.protocol import ExecSpec
from upright.controllers.world.probes import http_get, tcp_socket
from upright.controllers.world.probing import Answer, Timing, ask_forever

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from upright.controllers.node.network import Network
    from upright.controllers.world.engine.protocol import Engine
    from upright.controllers.world.probing import Sight
    from upright.openapi.core_v1.container import Container
    from upright.openapi.core_v1.probe import Probe

Word = Literal["Startup", "Liveness", "Readiness"]
CONNECT_SECONDS = 60.0
"""A limit for what no probe's own timeout ends."""


class Hears(Struct, frozen=True):
    """Who hears of a container's probes: of every change; of each failure in words; that it must be restarted."""

    changed: Callable[[ProbeSight], None]
    unhealthy: Callable[[str], None]
    failed: Callable[[Word], None]


def named_port(port: int | str, container: Container) -> int:
    """Return the number of a port; raises ValueError for a name the container has not."""
    if isinstance(port, int):
        return port
    for candidate in container.ports:
        if candidate.name == port:
            return candidate.container_port
    if port.isdigit():
        return int(port)
    raise ValueError(f"couldn't find port: {port}")


def timing(probe: Probe, word: Word) -> Timing:
    """Return when the probe asks: startup and readiness often at first."""
    made = Timing.of(
        probe.initial_delay_seconds,
        probe.period_seconds,
        probe.timeout_seconds,
        probe.success_threshold,
        probe.failure_threshold,
    )
    return replace(made, eager=word != "Liveness")


class ContainerProbes:
    """The probes of one running container."""

    def __init__(
        self,
        reach: tuple[Engine, Network],
        container: Container,
        where: tuple[str, str],
        hears: Hears,
        known: ProbeSight,
    ) -> None:
        """``where`` is the container's id, and its pod's address; ``known`` is what is known of it already."""
        self._engine, self._network = reach
        self._container = container
        self._id, self._ip = where
        self._hears = hears
        self._sight = known

    async def run(self) -> None:
        """Ask until cancelled."""
        one = self._container
        if one.startup_probe is not None and not self._sight.started:
            await self._until_started(one.startup_probe)
        self._now(started=True, ready=self._sight.ready or one.readiness_probe is None)
        async with anyio.create_task_group() as group:
            if one.readiness_probe is not None:
                group.start_soon(self._forever, one.readiness_probe, "Readiness", self._readiness)
            if one.liveness_probe is not None:
                group.start_soon(self._forever, one.liveness_probe, "Liveness", self._liveness)

    def _now(self, *, started: bool, ready: bool) -> None:
        sight = ProbeSight(started, ready)
        if sight != self._sight:
            self._sight = sight
            self._hears.changed(sight)

    async def _until_started(self, probe: Probe) -> None:
        with anyio.CancelScope() as scope:

            def told(sight: Sight) -> None:
                if sight.passing:
                    scope.cancel()
                elif sight.passing is False:
                    self._hears.failed("Startup")

            await self._forever(probe, "Startup", told)

    def _readiness(self, sight: Sight) -> None:
        if sight.passing is not None:
            self._now(started=True, ready=sight.passing)

    def _liveness(self, sight: Sight) -> None:
        if sight.passing is False:
            self._hears.failed("Liveness")

    async def _forever(self, probe: Probe, word: Word, decided: Callable[[Sight], None]) -> None:
        def told(before: Sight, after: Sight, answer: Answer) -> None:
            if not answer.well and after.counted != before.counted:
                self._hears.unhealthy(f"{word} probe failed: {answer.text}")
            decided(after)

        await ask_forever(timing(probe, word), self._asker(probe), told)

    def _asker(self, probe: Probe) -> Callable[[], Awaitable[Answer]]:
        if probe.exec is not None:
            return partial(self._exec, probe.exec.command)
        try:
            if probe.http_get is not None:
                get = probe.http_get
                port = named_port(get.port, self._container)
                path = get.path if get.path.startswith("/") else f"/{get.path}"
                url = f"{(get.scheme or 'HTTP').lower()}://{get.host or self._ip}:{port}{path}"
                return http_get(url, {header.name: header.value for header in get.http_headers}, self._connect)
            if probe.tcp_socket is not None:
                port = named_port(probe.tcp_socket.port, self._container)
                return tcp_socket(probe.tcp_socket.host or self._ip, port, self._connect)
        except ValueError as error:
            return partial(_never, str(error))
        return partial(_never, "missing probe handler")

    async def _connect(self, host: str, port: int) -> SocketStream:
        return await SocketStream.from_socket(await self._network.connect(host, port, CONNECT_SECONDS))

    async def _exec(self, command: tuple[str, ...]) -> Answer:
        try:
            ended = await self._engine.run(self._id, ExecSpec(argv=command))
        except EngineError as error:
            return Answer(well=False, text=error.message)
        return Answer(ended.exit_code == 0, (ended.stdout + ended.stderr).decode("utf-8", "replace"))


async def _never(why: str) -> Answer:
    return Answer(well=False, text=why)
