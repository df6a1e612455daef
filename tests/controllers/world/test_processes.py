from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import psutil
import pytest

from upright.controllers.world.processes import (
    Captured,
    Command,
    Exit,
    LocalProcesses,
    StartFailed,
    capture,
    run,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def processes() -> AsyncGenerator[LocalProcesses]:
    async with LocalProcesses() as ours:
        yield ours


def sh(script: str, **more: str) -> Command:
    return Command(("sh", "-c", script), env={"PATH": os.environ["PATH"], **more})


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def open_files() -> int:
    return psutil.Process().num_fds()


async def until_gone(pids: list[int]) -> None:
    with anyio.fail_after(2):
        while any(alive(pid) for pid in pids):  # noqa: ASYNC110  reason: the kernel tells nobody of another's child
            await anyio.sleep(0.005)


async def until_written(path: Path) -> list[int]:
    with anyio.fail_after(5):
        while not path.exists() or not path.read_text().endswith("all\n"):  # noqa: ASYNC110, ASYNC240  reason: a file tells nobody
            await anyio.sleep(0.005)
    return [int(word) for word in path.read_text().split()[:-1]]  # noqa: ASYNC240  reason: a small file


async def test_both_streams_arrive_in_their_order_when_merged(processes: LocalProcesses) -> None:
    got = bytearray()
    ended = await run(processes, sh("echo one; echo two >&2; echo three"), got.extend)
    assert (ended, bytes(got)) == (Exit(0), b"one\ntwo\nthree\n")


async def test_streams_can_be_captured_apart(processes: LocalProcesses) -> None:
    command = Command(("sh", "-c", "cat; echo bad >&2; exit 3"), env={"PATH": os.environ["PATH"]}, stdin=b"in")
    assert await capture(processes, command) == Captured(Exit(3), b"in", b"bad\n")


async def test_much_output_arrives_whole(processes: LocalProcesses) -> None:
    got = await capture(processes, sh("head -c 5000000 /dev/zero"))
    assert got.stdout == bytes(5_000_000)


async def test_the_directory_and_the_environment_are_the_commands_own(
    processes: LocalProcesses, tmp_path: Path
) -> None:
    command = Command(("/bin/sh", "-c", 'pwd; echo "$COLOUR$HOME"'), dir=str(tmp_path), env={"COLOUR": "red"})
    assert (await capture(processes, command)).stdout.decode().split() == [str(tmp_path), "red"]


async def test_nothing_is_on_stdin_by_default(processes: LocalProcesses) -> None:
    assert (await capture(processes, sh("cat; echo end"))).stdout == b"end\n"


@pytest.mark.parametrize(
    ("script", "ended", "reason"),
    [
        ("exit 0", Exit(0), ""),
        ("exit 7", Exit(7), "exit status 7"),
        ("kill -SEGV $$", Exit(139, 11), "signal: segmentation fault"),
    ],
)
async def test_the_end_is_told(processes: LocalProcesses, script: str, ended: Exit, reason: str) -> None:
    got = (await capture(processes, sh(script))).exit
    assert (got, got.reason) == (ended, reason)


async def test_what_the_kernel_kills_for_want_of_memory_is_told_so(processes: LocalProcesses, small: str) -> None:
    eat = f"{sys.executable} -c 'x = bytes([1]) * 300_000_000'"
    alone = await capture(processes, sh(f"{small}\nexec {eat}", **dict(os.environ)))
    assert alone.exit == Exit(137, 9, starved=True), alone
    assert alone.exit.reason == "signal: killed (out of memory, it seems)"
    below = await capture(processes, sh(f"{small}\n{eat}; exit $?", **dict(os.environ)))
    assert below.exit.reason == "exit status 137 (out of memory, it seems)"
    other = await capture(processes, sh("kill -9 $$"))
    assert other.exit.reason == "signal: killed"


@pytest.fixture
def small() -> Generator[str]:
    """Return what a shell says to have 50 MB at most, it and its children."""
    group = Path(f"/sys/fs/cgroup/memory/upright-test-{os.getpid()}")
    if not group.parent.is_dir() or os.geteuid() != 0:
        pytest.skip("needs root, and memory control groups in /sys/fs/cgroup/memory")
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text("50000000")
    yield f"echo $$ > {group}/tasks"
    group.rmdir()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (Command(("no-such-program",)), 'exec: "no-such-program": executable file not found in $PATH'),
        (Command(("/etc/passwd",)), "fork/exec /etc/passwd: permission denied"),
        (Command(("/no/such",)), "fork/exec /no/such: no such file or directory"),
        (Command(("true",), dir="/no/dir", env={"PATH": "/bin"}), "chdir /no/dir: no such file or directory"),
        (Command(("true", "a\0b")), "embedded null byte"),
    ],
)
async def test_what_cannot_start_says_why(processes: LocalProcesses, command: Command, message: str) -> None:
    await capture(processes, sh("true"))
    before = open_files()
    with pytest.raises(StartFailed) as failed:
        await capture(processes, command)
    assert str(failed.value) == message
    assert open_files() == before


async def test_ending_lets_a_command_clean_up(processes: LocalProcesses) -> None:
    got = bytearray()
    ready = anyio.Event()

    def sink(data: bytes) -> None:
        got.extend(data)
        ready.set()

    process = processes.start(sh("trap 'echo bye; exit 0' TERM; echo up; sleep 100 2>/dev/null & wait"), sink)
    await ready.wait()
    ended = await process.end()
    assert (ended.code, ended.reason, bytes(got)) == (137, "killed", b"up\nbye\n")


async def test_who_ignores_sigterm_is_killed_after_the_grace_time(processes: LocalProcesses) -> None:
    ready = anyio.Event()
    script = "trap '' TERM; echo up; sleep 100 & while :; do sleep 100; done"
    process = processes.start(sh(script), lambda _: ready.set())
    await ready.wait()
    family = psutil.Process(process.pid).children(recursive=True)
    said: list[str] = []
    ended = await process.end(0.1, said.append)
    assert ended == Exit(137, signal.SIGKILL, killed=True)
    assert said == [
        f"Waiting 0.1s for process to exit... (pid: {process.pid})",
        f"Still waiting on exit... (pid: {process.pid})",
        f"Time is up! Sending {process.pid} a kill signal",
    ]
    await until_gone([process.pid, *(child.pid for child in family)])


async def test_in_a_hurry_nobody_has_a_long_grace(processes: LocalProcesses) -> None:
    ready = anyio.Event()
    slow = sh("trap '' TERM; echo up; while :; do sleep 100; done")
    first = processes.start(slow, lambda _: ready.set())
    await ready.wait()
    with anyio.fail_after(2):
        async with anyio.create_task_group() as group:
            group.start_soon(first.end)
            await anyio.wait_all_tasks_blocked()
            processes.hurry(0.05)
        second = processes.start(slow, len)
        assert (await second.end()).killed


async def test_what_a_command_leaves_in_its_group_goes_with_it(processes: LocalProcesses) -> None:
    with anyio.fail_after(2):
        got = await capture(processes, sh("sleep 100 & echo $!"))
    assert got.exit == Exit(0)
    await until_gone([int(got.stdout)])


async def test_who_left_the_session_does_not_hold_up_the_end(processes: LocalProcesses) -> None:
    with anyio.fail_after(2):
        got = await capture(processes, sh("setsid sleep 100 & sleep 0.1; echo done"))
    assert got.stdout == b"done\n"


async def test_ending_finds_who_left_the_session(processes: LocalProcesses, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    script = f"setsid sh -c 'echo $$ >>{note}; echo all >>{note}; sleep 100' & wait"
    process = processes.start(sh(script), len)
    daemons = await until_written(note)
    await process.end()
    await until_gone(daemons)


async def test_closing_ends_all_and_what_they_left_behind(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    before = psutil.Process().children(recursive=True)  # the session's own, as a container engine
    async with LocalProcesses() as processes:
        for _ in range(3):
            processes.start(sh("sleep 100"), len)
        await run(processes, sh(f"setsid sh -c 'echo $$ >>{note}; echo all >>{note}; sleep 100' & sleep 0.1"), len)
        daemons = await until_written(note)
        children = [child for child in psutil.Process().children(recursive=True) if child not in before]
        assert len(children) >= 4
    await until_gone([*daemons, *(child.pid for child in children)])


async def test_cancelling_a_run_ends_it(processes: LocalProcesses) -> None:
    started: list[int] = []
    with anyio.move_on_after(5) as scope:

        def sink(data: bytes) -> None:
            started.append(int(data))
            scope.cancel()

        await run(processes, sh("echo $$; sleep 100"), sink)
    await until_gone(started)


PARENT = """
    import os, sys, anyio
    from upright.controllers.world.processes import Command, LocalProcesses
    async def main():
        async with LocalProcesses() as processes:
            note = sys.argv[1]
            one = f"trap '' TERM; echo $$ >>{note}; sleep 100 & echo $! >>{note}; wait"
            two = f"echo $$ >>{note}; set -m; (sleep 100; :) & echo $! >>{note}; wait"
            three = f"setsid setsid sh -c 'echo $$ >>{note}; echo all >>{note}; sleep 100; :' & sleep 100"
            processes.start(Command(("sh", "-c", one), env=dict(os.environ)), len)
            await anyio.sleep(0.1)
            processes.start(Command(("sh", "-c", two), env=dict(os.environ)), len)
            processes.start(Command(("env", "-i", "sleep", "100"), env=dict(os.environ)), len)
            await anyio.sleep(0.1)
            processes.start(Command(("sh", "-c", three), env=dict(os.environ)), len)
            await anyio.sleep(100)
    anyio.run(main, backend_options={"use_uvloop": bool(int(sys.argv[2]))})
"""


async def test_kill_9_of_us_leaves_nothing_after_two_seconds(
    tmp_path: Path, anyio_backend: tuple[str, dict[str, bool]]
) -> None:
    note = tmp_path / "pids"
    uvloop = str(int(anyio_backend[1]["use_uvloop"]))
    parent = subprocess.Popen(  # noqa: ASYNC220  reason: the one to be killed
        [sys.executable, "-c", textwrap.dedent(PARENT), str(note), uvloop]
    )
    daemons = await until_written(note)
    family = {child.pid for child in psutil.Process(parent.pid).children(recursive=True)} | set(daemons)
    assert len(family) >= 8
    parent.kill()
    parent.wait()
    await until_gone([*family])


async def test_a_watchdog_that_was_killed_is_replaced(tmp_path: Path) -> None:
    async with LocalProcesses() as processes:
        first = processes.start(sh("sleep 100"), len)
        shell = processes._watchdog._shell
        assert shell
        shell.kill()
        shell.wait()
        processes.start(sh("sleep 100"), len)
        assert processes._watchdog._shell is not shell
        assert first.pid in processes._watchdog._groups
