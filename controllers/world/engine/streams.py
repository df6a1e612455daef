"""What containers print and read: logs, exec, attach; and the engine's events."""

from __future__ import annotations

import struct
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import anyio

from upright.controllers.world.engine.connection import gone, messages, read_some
from upright.controllers.world.engine.errors import EngineError, EngineGone
from upright.controllers.world.engine.images import label_filter
from upright.controllers.world.engine.protocol import LogLine, Piece
from upright.controllers.world.engine.reports import EngineEvent, Finished

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    import aiohttp
    from aiodocker.execs import Exec
    from aiodocker.stream import Stream

    from upright.controllers.world.engine.connection import Connection
    from upright.controllers.world.engine.protocol import EngineInfo, ExecSpec, Labels, StreamName

_HEADER = struct.Struct(">BxxxL")
_STREAMS: dict[int, StreamName] = {1: "stdout", 2: "stderr"}
_ENDED_POLLS = 200
_POLL_SECONDS = 0.01
_KILL_SECONDS = 5.0
_PODMAN_WORDS = {"died": "die", "remove": "destroy"}


class AttachedTerminal:
    """See ``Terminal``."""

    def __init__(self, connection: Connection, stream: Stream, resize_path: str) -> None:
        self._connection = connection
        self._stream = stream
        self._resize_path = resize_path
        self.ended = False

    async def read(self) -> Piece | None:
        with gone():
            message = await self._stream.read_out()
        if message is None:
            self.ended = True
            return None
        return Piece(_STREAMS.get(message.stream, "stdout"), message.data)

    async def write(self, data: bytes) -> None:
        with gone():
            await self._stream.write_in(data)

    async def close_input(self) -> None:
        response = self._stream._resp  # noqa: SLF001  reason: aiodocker can only close both directions at once
        if response is not None and response.connection is not None:
            transport = response.connection.transport
            if transport is not None and transport.can_write_eof():
                transport.write_eof()

    async def resize(self, *, width: int, height: int) -> None:
        await self._connection.call("POST", self._resize_path, params={"w": width, "h": height})


class RunningExec(AttachedTerminal):
    """See ``ExecTerminal``."""

    def __init__(self, connection: Connection, stream: Stream, identity: str) -> None:
        super().__init__(connection, stream, f"exec/{identity}/resize")
        self._identity = identity

    async def exit_code(self) -> int:
        for _ in range(_ENDED_POLLS):  # the streams end a moment before the engine knows the exit code
            state = await self.state()
            if not state["Running"] and state["ExitCode"] is not None:
                return int(state["ExitCode"])
            await anyio.sleep(_POLL_SECONDS)
        raise EngineError("the program closed its streams but still runs")

    async def state(self) -> dict[str, Any]:
        answer: dict[str, Any] = await self._connection.call("GET", f"exec/{self._identity}/json")
        return answer


class Streams:
    """See ``Engine``: what concerns streams. ``kill`` kills a process by its number in the engine's namespace."""

    def __init__(
        self, connection: Connection, info: EngineInfo, kill: Callable[[int], Awaitable[object]] | None = None
    ) -> None:
        self._connection = connection
        self._info = info
        self._kill = kill

    @asynccontextmanager
    async def logs(
        self, container: str, *, follow: bool = False, since: datetime | None = None, tail: int | None = None
    ) -> AsyncGenerator[AsyncIterator[LogLine], None]:
        params = {
            "stdout": True,
            "stderr": True,
            "timestamps": True,
            "follow": follow,
            "since": f"{since.timestamp():.6f}" if since else "",
            "tail": "all" if tail is None else str(tail),
        }
        async with (
            self._connection.stream("GET", f"containers/{container}/logs", params=params) as response,
            aclosing(_log_lines(response)) as lines,
        ):
            yield lines

    @asynccontextmanager
    async def exec(self, container: str, spec: ExecSpec) -> AsyncGenerator[RunningExec, None]:
        created = await self._connection.call("POST", f"containers/{container}/exec", body=_exec_body(spec))
        execution: Exec = self._exec(created["Id"], tty=spec.tty)
        stream = execution.start()
        terminal = RunningExec(self._connection, stream, created["Id"])
        try:
            with gone():
                await stream.__aenter__()
            yield terminal
        finally:
            with anyio.move_on_after(_KILL_SECONDS, shield=True):
                await _close(stream)
                if not terminal.ended:
                    await self._end(terminal)

    async def run(self, container: str, spec: ExecSpec, *, limit: int = 64 * 1024) -> Finished:
        kept: dict[StreamName, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        async with self.exec(container, spec) as terminal:
            while piece := await terminal.read():
                content = kept[piece.stream]
                content += piece.data
                del content[:-limit]
            return Finished(await terminal.exit_code(), bytes(kept["stdout"]), bytes(kept["stderr"]))

    @asynccontextmanager
    async def attach(self, container: str, *, stdin: bool = False) -> AsyncGenerator[AttachedTerminal, None]:
        stream = self._connection.docker.containers.container(container).attach(stdout=True, stderr=True, stdin=stdin)
        try:
            with gone():
                await stream.__aenter__()
            yield AttachedTerminal(self._connection, stream, f"containers/{container}/resize")
        finally:
            with anyio.CancelScope(shield=True):
                await _close(stream)

    @asynccontextmanager
    async def events(
        self, labels: Labels, actions: Sequence[str] = ()
    ) -> AsyncGenerator[AsyncIterator[EngineEvent], None]:
        filters = {"type": ["container"], **label_filter(labels)}
        if actions and self._info.product == "dockerd":  # podman has other words for some
            filters["event"] = list(actions)
        async with (
            self._connection.stream("GET", "events", params={"filters": filters}) as response,
            aclosing(_events(response, frozenset(actions))) as told,
        ):
            yield told

    def _exec(self, identity: str, *, tty: bool) -> Exec:
        from aiodocker.execs import Exec  # noqa: PLC0415  reason: heavy

        return Exec(self._connection.docker, identity, tty=tty)

    async def _end(self, terminal: RunningExec) -> None:
        """Kill what was left running; the API has no verb for that."""
        if self._kill is None:
            return
        with suppress(EngineError):  # the container is gone, and all in it
            while (state := await terminal.state())["Running"] or state["ExitCode"] is None:
                if state.get("Pid"):
                    await self._kill(state["Pid"])
                    return
                await anyio.sleep(_POLL_SECONDS)  # a program can be heard a moment before the engine tells its number


async def _close(stream: Stream) -> None:
    with suppress(AssertionError):  # aiodocker's, when the connection broke before it was handed over
        await stream.close()


def _exec_body(spec: ExecSpec) -> dict[str, Any]:
    return {
        "AttachStdin": spec.stdin,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": spec.tty,
        "Cmd": list(spec.argv),
        "Env": [f"{name}={value}" for name, value in spec.env.items()],
        "User": spec.user,
        "WorkingDir": spec.working_dir,
        "Privileged": spec.privileged,
    }


async def _events(response: aiohttp.ClientResponse, wanted: frozenset[str]) -> AsyncGenerator[EngineEvent, None]:
    async for message in messages(response):
        action = message.get("Action") or message.get("status") or ""
        action = _PODMAN_WORDS.get(action, action)
        if wanted and action not in wanted:
            continue
        actor = message.get("Actor") or {}
        yield EngineEvent(action, actor.get("ID") or message["id"], message["timeNano"], actor.get("Attributes") or {})
    raise EngineGone("the container engine ended its events")


async def _log_lines(response: aiohttp.ClientResponse) -> AsyncGenerator[LogLine, None]:
    """Split a log into its lines. Without a tty they come in frames, which tell the stream; with one, as they are."""
    pending = bytearray()
    framed: bool | None = None
    while chunk := await read_some(response):
        pending += chunk
        if framed is None:
            framed = pending[0] in {0, 1, 2}  # a raw line begins with its year
        for line in _take_frames(pending) if framed else _take_lines(pending):
            yield line
    if pending and not framed:
        yield _timed("stdout", bytes(pending))


def _take_frames(pending: bytearray) -> list[LogLine]:
    taken: list[LogLine] = []
    start = 0
    while start + _HEADER.size <= len(pending):
        stream, length = _HEADER.unpack_from(pending, start)
        end = start + _HEADER.size + length
        if end > len(pending):
            break
        taken.append(_timed(_STREAMS.get(stream, "stdout"), bytes(pending[start + _HEADER.size : end])))
        start = end
    del pending[:start]
    return taken


def _take_lines(pending: bytearray) -> list[LogLine]:
    *complete, rest = bytes(pending).split(b"\n")
    pending[:] = rest
    return [_timed("stdout", line + b"\n") for line in complete]


def _timed(stream: StreamName, line: bytes) -> LogLine:
    time, _, data = line.partition(b" ")
    return LogLine(stream, time.decode(), data)
