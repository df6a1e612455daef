"""Commands on this machine: each in a session of its own, ended as a whole, and gone when we are."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import anyio
import anyio.to_thread
from msgspec import Struct, field

from upright.controllers.world.watchdog import MARK, Watchdog, kill_marked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

GRACE_SECONDS = 30.0
"""How long a command has between SIGTERM and SIGKILL: Kubernetes' and Tilt's default."""

STARVED = "out of memory, it seems"
_KILLED_CODES = (-signal.SIGKILL, 128 + signal.SIGKILL)  # itself, or what a shell says of its child
_COUNTERS = Path("/proc/vmstat")
_READ_BYTES = 64 * 1024
_DRAIN_READS = 32  # a pipe holds at most 1 MiB unless root made it larger
_REAP_SECONDS = 5.0

Sink: TypeAlias = "Callable[[bytes], object]"
"""Takes a piece of what a command prints."""


class Command(Struct, frozen=True):
    """What to run: argv, working directory, the whole environment, and what it reads on stdin (nothing: /dev/null)."""

    args: tuple[str, ...]
    dir: str = ""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    stdin: bytes = b""


class Exit(Struct, frozen=True):
    """How a process ended: its exit code, or 128 + the signal's number; ``killed``: we ended it.

    ``starved``: it was killed when the kernel killed for want of memory.
    """

    code: int
    signal: int = 0
    killed: bool = False
    starved: bool = False

    @property
    def reason(self) -> str:
        """Tilt's words: ``exit status 1``, ``signal: killed``, ``killed`` if we did it; nothing for success."""
        if self.killed:
            return "killed"
        more = f" ({STARVED})" if self.starved else ""
        if self.signal:
            return f"signal: {(signal.strsignal(self.signal) or str(self.signal)).lower()}{more}"
        return f"exit status {self.code}{more}" if self.code else ""


class StartFailed(Exception):
    """The command could not be started; the message says why, in the words of Go's os/exec as Tilt's logs have them."""


class Process(Protocol):
    """A command that was started."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> Exit:
        """Return when it has ended and all it printed has reached the sinks."""
        ...

    async def end(self, grace: float = GRACE_SECONDS, say: Callable[[str], None] | None = None) -> Exit:
        """SIGTERM to its group, SIGKILL after the grace time, and to all it left behind; ``say`` hears of the waiting."""
        ...


class Processes(Protocol):
    """Starts commands on this machine."""

    def start(self, command: Command, stdout: Sink, stderr: Sink | None = None) -> Process:
        """Start the command; without ``stderr`` both streams go to ``stdout`` in their order. Raises StartFailed.

        The sinks are called on the event loop with pieces as they come, and must not block.
        """
        ...


class Captured(Struct, frozen=True):
    """How a command ended and what it printed."""

    exit: Exit
    stdout: bytes
    stderr: bytes


async def run(
    processes: Processes,
    command: Command,
    stdout: Sink,
    stderr: Sink | None = None,
    *,
    grace: float = GRACE_SECONDS,
) -> Exit:
    """Run the command to its end; when cancelled, end it. Raises StartFailed."""
    process = processes.start(command, stdout, stderr)
    try:
        return await process.wait()
    except BaseException:
        with anyio.CancelScope(shield=True):
            await process.end(grace)
        raise


async def capture(processes: Processes, command: Command) -> Captured:
    """Run the command to its end and return what it printed. Raises StartFailed."""
    out, err = bytearray(), bytearray()
    ended = await run(processes, command, out.extend, err.extend)
    return Captured(ended, bytes(out), bytes(err))


class LocalProcesses:
    """The real thing. Use it as a context: leaving it ends what still runs, and all that any command left behind.

    A command gets its own session, and a mark in its environment which its descendants inherit. ``subprocess`` forks
    with vfork, so starting is as cheap as posix_spawn; a pidfd tells the end (uvloop's own subprocesses fork in full:
    ten times the cost). Should we be killed, the watchdog does what leaving does.
    """

    def __init__(self) -> None:
        self._watchdog = Watchdog()
        self._running: dict[int, _LocalProcess] = {}
        self._started = 0
        self._latest_kill = math.inf
        self._starved = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.close()

    def hurry(self, seconds: float) -> None:
        """Have whatever is being ended, or will be, killed by then, whatever its grace time: we were told to go."""
        loop = asyncio.get_running_loop()
        self._latest_kill = min(self._latest_kill, loop.time() + seconds)
        loop.call_at(self._latest_kill, self._kill_ending)

    def _kill_ending(self) -> None:
        for process in self._running.values():
            process.kill_if_ending()

    async def close(self, grace: float = GRACE_SECONDS) -> None:
        """End all that runs, side by side, then what they left behind."""
        if not self._started:
            return
        async with anyio.create_task_group() as group:
            for process in tuple(self._running.values()):
                group.start_soon(process.end, grace)
        await anyio.to_thread.run_sync(kill_marked, f"{self._watchdog.run}.")
        self._watchdog.close()

    def start(self, command: Command, stdout: Sink, stderr: Sink | None = None) -> Process:
        """See ``Processes``."""
        if not self._started:
            self._starved = _starved()
        self._started += 1
        mark = f"{self._watchdog.run}.{self._started}."
        with ExitStack() as ours:  # what we open for the child; closed here, or kept by the process
            out, child_out = _pipe(ours)
            err, child_err = _pipe(ours) if stderr else (-1, child_out)
            try:
                self._watchdog.start()
                child = subprocess.Popen(  # noqa: S603  reason: running the user's commands is the purpose
                    command.args,
                    stdin=_stdin(ours, command.stdin),
                    stdout=child_out,
                    stderr=child_err,
                    cwd=command.dir or None,
                    env={**command.env, MARK: mark},
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                raise StartFailed(_why(command, error)) from error
            self._watchdog.add(child.pid)
            sinks = {os.dup(out): stdout} | ({os.dup(err): stderr} if stderr else {})
        process = _LocalProcess(child, mark, sinks, self)
        self._running[child.pid] = process
        return process

    def grace_left(self, grace: float) -> float:
        """Return how long a command may take to end that is asked now."""
        return max(min(grace, self._latest_kill - asyncio.get_running_loop().time()), 0.0)

    def has_starved(self) -> bool:
        """Whether the kernel has killed for want of memory since this was asked last."""
        before, self._starved = self._starved, _starved()
        return self._starved > before

    def forget(self, pid: int) -> None:
        """Hear that a command has ended; its number is not free yet."""
        del self._running[pid]
        self._watchdog.remove(pid)


class _LocalProcess:
    def __init__(
        self, child: subprocess.Popen[bytes], mark: str, sinks: dict[int, Sink], family: LocalProcesses
    ) -> None:
        self.pid = child.pid
        self._child = child
        self._mark = mark
        self._sinks = sinks
        self._family = family
        self._killed = False
        self._exit = Exit(128 + signal.SIGKILL, signal.SIGKILL, killed=True)
        self._done = anyio.Event()
        self._loop = asyncio.get_running_loop()
        self._handle = os.pidfd_open(child.pid)
        self._loop.add_reader(self._handle, self._ended)
        for pipe in sinks:
            self._loop.add_reader(pipe, self._read, pipe)

    async def wait(self) -> Exit:
        """See ``Process``."""
        await self._done.wait()
        return self._exit

    async def end(self, grace: float = GRACE_SECONDS, say: Callable[[str], None] | None = None) -> Exit:
        """See ``Process``."""
        if self._done.is_set():
            return self._exit
        self._killed = True
        self._signal(signal.SIGTERM)
        await self._wait_saying(self._family.grace_left(grace), say or _say_nothing)
        if not self._done.is_set():
            self._signal(signal.SIGKILL)
            with anyio.move_on_after(_REAP_SECONDS):  # in an uninterruptible sleep even SIGKILL has to wait
                await self._done.wait()
        await anyio.to_thread.run_sync(kill_marked, self._mark)
        return self._exit

    def kill_if_ending(self) -> None:
        """Lose patience with a command that was asked to end."""
        if self._killed:
            self._signal(signal.SIGKILL)

    async def _wait_saying(self, grace: float, say: Callable[[str], None]) -> None:
        told = f"Waiting {grace:g}s for process to exit... (pid: {self.pid})"
        words = ((grace / 20, told), (grace / 3, f"Still waiting on exit... (pid: {self.pid})"))
        since = anyio.current_time()
        for after, text in (*words, (grace, f"Time is up! Sending {self.pid} a kill signal")):
            with anyio.move_on_at(since + after):
                await self._done.wait()
                return
            say(text)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):  # EPERM: all that is left runs as another user
            os.killpg(self.pid, number)

    def _read(self, pipe: int) -> None:
        data = os.read(pipe, _READ_BYTES)
        if data:
            self._sinks[pipe](data)
        else:
            self._close(pipe)

    def _ended(self) -> None:
        """Take the exit code, the group's rest down, and what is left in the pipes, whoever still holds them."""
        self._loop.remove_reader(self._handle)
        os.close(self._handle)
        self._signal(signal.SIGKILL)
        self._family.forget(self.pid)
        code = self._child.wait()
        for pipe in tuple(self._sinks):
            self._drain(pipe)
        if self._killed:
            self._exit = Exit(128 + signal.SIGKILL, max(-code, 0), killed=True)
        else:
            starved = code in _KILLED_CODES and self._family.has_starved()
            self._exit = Exit(code if code >= 0 else 128 - code, max(-code, 0), starved=starved)
        self._done.set()

    def _drain(self, pipe: int) -> None:
        with suppress(BlockingIOError):
            for _ in range(_DRAIN_READS):
                if pipe not in self._sinks:
                    return
                self._read(pipe)
        self._close(pipe)

    def _close(self, pipe: int) -> None:
        self._loop.remove_reader(pipe)
        os.close(pipe)
        del self._sinks[pipe]


def _starved() -> int:
    """Return how many processes the kernel has killed for want of memory, in whatever group; 0 where it does not tell."""
    with suppress(OSError, ValueError):
        for line in _COUNTERS.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _pipe(ours: ExitStack) -> tuple[int, int]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    ours.callback(os.close, reader)
    ours.callback(os.close, writer)
    return reader, writer


def _stdin(ours: ExitStack, content: bytes) -> int:
    if not content:
        return subprocess.DEVNULL
    file = os.memfd_create("stdin")
    ours.callback(os.close, file)
    with open(file, "wb", closefd=False) as writer:
        writer.write(content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _why(command: Command, error: OSError | ValueError) -> str:
    if not isinstance(error, OSError):
        return str(error)
    words = os.strerror(error.errno or 0).lower()
    if command.dir and error.filename == command.dir:
        return f"chdir {command.dir}: {words}"
    program = command.args[0]
    if isinstance(error, FileNotFoundError) and "/" not in program:
        return f'exec: "{program}": executable file not found in $PATH'
    return f"fork/exec {program}: {words}"


def _say_nothing(text: str) -> None:
    del text
