"""kubectl's cp, attach and terminals, to the end: through the server into containers of a real engine."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from upright.apiserver.clock import utc_now
from upright.apiserver.inprocess import InProcess
from upright.apiserver.server import Server, Settings
from upright.controllers.node.pod_subresources import serve_pods
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.controllers.node.on_engine import RealCluster

pytestmark = [pytest.mark.slow, pytest.mark.engine]


@dataclass
class Kubectl:
    command: list[str]
    environment: dict[str, str]

    async def __call__(self, *words: str, stdin: str = "") -> tuple[int, str]:
        """Return exit code and what it printed, complaints included."""
        with anyio.fail_after(40):
            done = await anyio.run_process(
                [*self.command, *words], input=stdin.encode(), env=self.environment, check=False
            )
        return done.returncode, done.stdout.decode() + done.stderr.decode()


@asynccontextmanager
async def serving(real: RealCluster, kubectl: Path, folder: Path, namespace: str) -> AsyncGenerator[Kubectl]:
    transport = real.client._transport
    assert isinstance(transport, InProcess)
    subresources = Subresources()
    serve_pods(real.access, subresources)
    server = Server(transport._registry, [], Settings(folder), now=utc_now, subresources=subresources)
    async with anyio.create_task_group() as group:
        await group.start(server.serve)
        environment = os.environ | {"HOME": str(folder), "KUBECONFIG": str(await server.secured())}
        yield Kubectl([str(kubectl), "--cache-dir", str(folder / "cache"), "--namespace", namespace], environment)
        group.cancel_scope.cancel()


async def test_files_are_copied_into_a_container_and_back(real: RealCluster, any_kubectl: Path, tmp_path: Path) -> None:
    space = await real.namespace()
    await space.pod("web", "sleep 1000")
    await space.ready("web")
    (tmp_path / "out").mkdir()
    big = os.urandom(2_000_000)
    (tmp_path / "out" / "big").write_bytes(big)
    async with serving(real, any_kubectl, tmp_path, space.name) as k:
        assert await k("cp", str(tmp_path / "out"), "web:/tmp") == (0, "")
        assert (await k("exec", "web", "--", "stat", "-c", "%s", "/tmp/out/big")) == (0, "2000000\n")
        code, told = await k("cp", "web:/tmp/out/big", str(tmp_path / "back"))
        assert code == 0, told
    assert (tmp_path / "back").read_bytes() == big


async def test_what_is_typed_reaches_what_runs_by_attach(real: RealCluster, any_kubectl: Path, tmp_path: Path) -> None:
    space = await real.namespace()
    await space.pod(
        "web", "while read line; do echo heard $line; done", container={"stdin": True}, restartPolicy="Never"
    )
    await space.ready("web")
    async with (
        serving(real, any_kubectl, tmp_path, space.name) as k,
        await anyio.open_process([*k.command, "attach", "-i", "web"], env=k.environment) as attached,
    ):
        assert attached.stdin
        assert attached.stdout
        await attached.stdin.send(b"hello\n")
        seen = b""
        with anyio.fail_after(20):
            while b"heard hello" not in seen:
                seen += await attached.stdout.receive()
        attached.terminate()


async def test_a_terminal_in_a_container_has_the_size_of_kubectl_s(
    real: RealCluster, any_kubectl: Path, tmp_path: Path
) -> None:
    space = await real.namespace()
    await space.pod("web", "sleep 1000")
    await space.ready("web")
    async with serving(real, any_kubectl, tmp_path, space.name) as k:
        ours, its = pty.openpty()
        resize(its, 101, 31)
        process = subprocess.Popen(  # noqa: ASYNC220  reason: starting takes no time
            [*k.command, "exec", "-it", "web", "--", "sh"],
            env=k.environment, stdin=its, stdout=its, stderr=its, start_new_session=True,
        )  # fmt: skip
        os.close(its)
        try:
            with anyio.fail_after(30):
                await asks_until(ours, b"stty size\n", b"31 101")
                resize(ours, 121, 41)
                process.send_signal(signal.SIGWINCH)
                await asks_until(ours, b"stty size\n", b"41 121")
                os.write(ours, b"exit 4\n")
                assert await anyio.to_thread.run_sync(process.wait) == 4
        finally:
            process.kill()
            os.close(ours)


def resize(terminal: int, width: int, height: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


async def asks_until(terminal: int, asked: bytes, awaited: bytes) -> None:
    """Ask until that is the answer: the size comes beside what is typed, a moment later."""
    seen = b""
    while awaited not in seen:
        os.write(terminal, asked)
        with anyio.move_on_after(1):
            while awaited not in seen:
                await anyio.wait_readable(terminal)
                seen += os.read(terminal, 4096)
