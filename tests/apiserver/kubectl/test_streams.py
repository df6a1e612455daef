"""kubectl's streams: exec, attach, cp, logs and port-forward, over WebSockets."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import orjson
import pytest
from anyio.abc import SocketAttribute

from tests.apiserver.kubectl.driver import POD
from upright.openapi.subresources import RESIZE, STDERR, STDIN, STDOUT, Ask, Channels, Sink, exit_status

if TYPE_CHECKING:
    from pathlib import Path

    from anyio.abc import ByteStream, SocketStream

    from tests.apiserver.kubectl.driver import Kubectl

pytestmark = pytest.mark.slow

RUNNING = "status: {phase: Running}"


async def _shell(ask: Ask, channels: Channels) -> None:
    """Say the command and the container, echo stdin in capitals, exit with 7."""
    await channels.send(STDOUT, f"{' '.join(ask.query['command'])} in {ask.one('container')}\n".encode())
    if ask.flag("stdin"):
        async for channel, data in channels:
            if channel == STDIN and not data:
                break
            await channels.send(STDOUT, data.upper())
    await channels.send(STDERR, b"a warning\n")
    await channels.end(exit_status(7))


async def _log(ask: Ask, sink: Sink) -> None:
    await sink.write(f"{ask.one('container')} {ask.one('tailLines')} {ask.flag('timestamps')}\n".encode())
    if ask.flag("follow"):
        await sink.write(b"more\n")


async def test_it_runs_a_command_in_a_container_and_hears_of_its_exit_code(k: Kubectl) -> None:
    k.subresources.talks("pods", "exec", _shell)
    await k.run("apply", "-f", "-", stdin=POD)
    done = await k._run(("exec", "web", "-c", "side", "--", "sh", "-c", "exit 7"), "")
    assert done.stdout.decode() == "sh -c exit 7 in side\n"
    assert "a warning" in done.stderr.decode()
    assert done.returncode == 7
    done = await k._run(("exec", "-i", "web", "-c", "main", "--", "cat"), "hello\n")
    assert done.stdout.decode() == "cat in main\nHELLO\n"
    assert done.returncode == 7


async def test_it_reads_a_log(k: Kubectl) -> None:
    k.subresources.writes("pods", "log", _log)
    await k.run("apply", "-f", "-", stdin=POD)
    assert await k.run("logs", "web", "-c", "side", "--tail=3", "--timestamps") == "side 3 True\n"
    assert await k.run("logs", "-f", "web", "-c", "main") == "main  False\nmore\n"


async def test_it_forwards_a_port(k: Kubectl) -> None:
    async def connect(ask: Ask, port: int) -> ByteStream:
        return await anyio.connect_tcp("127.0.0.1", port)

    async def shout(stream: SocketStream) -> None:
        async with stream:
            async for data in stream:
                await stream.send(data.upper())

    k.subresources.connects("pods", "portforward", connect)
    await k.run("apply", "-f", "-", stdin=POD)
    running = "status: {phase: Running}"
    await k.run("patch", "pod", "web", "--subresource=status", "--type=merge", "-p", running)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    remote = listener.extra(SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, shout)
        async with k.going_on("port-forward", "--address=127.0.0.1", "pod/web", f":{remote}") as forwarding:
            assert forwarding.stdout is not None
            with anyio.fail_after(20):
                said = (await forwarding.stdout.receive()).decode()
                local = int(said.split(" -> ")[0].rpartition(":")[2])
                for _ in range(2):
                    async with await anyio.connect_tcp("127.0.0.1", local) as stream:
                        await stream.send(b"hello")
                        assert await stream.receive() == b"HELLO"
        group.cancel_scope.cancel()


async def _here(ask: Ask, channels: Channels) -> None:
    """Run the command on this machine: stdin in, stdout and stderr out, and its exit code."""
    async with await anyio.open_process([*ask.query["command"]]) as process:

        async def feed() -> None:
            assert process.stdin
            async for channel, data in channels:
                if channel == STDIN and not data:
                    break
                await process.stdin.send(data)
            await process.stdin.aclose()

        async def tell(stream: object, channel: int) -> None:
            async for data in stream:  # type: ignore[attr-defined]  # one of the process's streams
                await channels.send(channel, data)

        async with anyio.create_task_group() as group:
            if ask.flag("stdin"):
                group.start_soon(feed)
            async with anyio.create_task_group() as telling:
                telling.start_soon(tell, process.stdout, STDOUT)
                telling.start_soon(tell, process.stderr, STDERR)
            group.cancel_scope.cancel()
        await channels.end(exit_status(await process.wait()))


async def test_it_copies_files_and_folders_both_ways(k: Kubectl, tmp_path: Path) -> None:
    k.subresources.talks("pods", "exec", _here)
    await k.run("apply", "-f", "-", stdin=POD)
    await k.run("patch", "pod", "web", "--subresource=status", "--type=merge", "-p", RUNNING)
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    inside.mkdir()
    big = os.urandom(3_000_000)
    (outside / "folder" / "big").write_bytes(big)
    (outside / "folder" / "empty").touch()
    await k.run("cp", str(outside / "folder"), f"default/web:{inside}", "-c", "main")
    assert (inside / "folder" / "big").read_bytes() == big
    assert (inside / "folder" / "empty").read_bytes() == b""
    await k.run("cp", f"web:{inside}/folder/big", str(outside / "back"), "-c", "main", "--retries=2")
    assert (outside / "back").read_bytes() == big


async def _attached(ask: Ask, channels: Channels) -> None:
    await channels.send(STDOUT, f"attached to {ask.one('container')}\n".encode())
    await channels.send(STDERR, b"and its complaints\n")
    if ask.flag("stdin"):
        async for channel, data in channels:
            if channel == STDIN and not data:
                break
            await channels.send(STDOUT, data.upper())
    await channels.end(exit_status(0))


async def test_it_attaches_to_what_runs(k: Kubectl) -> None:
    k.subresources.talks("pods", "attach", _attached)
    pod = POD.replace("{name: side,", "{name: side, stdin: true,")
    await k.run("apply", "-f", "-", stdin=pod)
    await k.run("patch", "pod", "web", "--subresource=status", "--type=merge", "-p", RUNNING)
    done = await k._run(("attach", "web", "-c", "main"), "")
    assert (done.returncode, done.stdout.decode()) == (0, "attached to main\n")
    assert "and its complaints" in done.stderr.decode()
    done = await k._run(("attach", "-i", "web", "-c", "side"), "typed\n")
    assert done.stdout.decode() == "attached to side\nTYPED\n"


async def _sized(ask: Ask, channels: Channels) -> None:
    """Say each size that the terminal is given; end when something is typed."""
    await channels.send(STDOUT, f"tty {ask.flag('tty')}\r\n".encode())
    async for channel, data in channels:
        if channel == RESIZE:
            size = orjson.loads(data)
            await channels.send(STDOUT, f"{size['Width']}x{size['Height']}\r\n".encode())
        elif channel == STDIN:
            await channels.send(STDOUT, b"got " + data)
            break
    await channels.end(exit_status(0))


@pytest.mark.parametrize("verb", ["exec", "attach"])
async def test_a_terminal_is_told_its_size_and_every_new_one(k: Kubectl, verb: str) -> None:
    k.subresources.talks("pods", verb, _sized)
    pod = POD.replace("{name: main,", "{name: main, stdin: true, tty: true,")
    await k.run("apply", "-f", "-", stdin=pod)
    await k.run("patch", "pod", "web", "--subresource=status", "--type=merge", "-p", RUNNING)
    ours, its = pty.openpty()
    _resize(its, 100, 30)
    words = (
        ("exec", "-it", "web", "-c", "main", "--", "sh") if verb == "exec" else ("attach", "-it", "web", "-c", "main")
    )
    process = subprocess.Popen(  # noqa: ASYNC220  reason: starting takes no time
        [*k.command, *words], env=k.environment, stdin=its, stdout=its, stderr=its, start_new_session=True
    )
    os.close(its)
    try:
        with anyio.fail_after(30):
            await _says(ours, b"100x30")
            _resize(ours, 120, 40)
            process.send_signal(signal.SIGWINCH)
            await _says(ours, b"120x40")
            os.write(ours, b"x\n")
            assert await anyio.to_thread.run_sync(process.wait) == 0
    finally:
        process.kill()
        os.close(ours)


def _resize(terminal: int, width: int, height: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


async def _says(terminal: int, awaited: bytes) -> None:
    seen = b""
    while awaited not in seen:
        await anyio.wait_readable(terminal)
        seen += os.read(terminal, 4096)
