"""A daemon in a box: namespaces of its own for mounts, processes and network, which end with us, however we end.

The box lives as long as a pipe whose other end we hold. Its first process, a shell, starts the daemon and reaps what the
daemon's helpers leave; when the pipe closes it ends, and the kernel kills all that is in its process namespace, and with
the last process go mounts and network. Nothing shows on the host: /run and /dev/shm (podman's locks) are the box's own, so are interfaces and rules.

The daemon gets its listening socket from us, so that connections made before it is ready just wait.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import anyio

from upright.controllers.world.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from pathlib import Path

SOCKET = "engine.sock"
LOG = "engine.log"
INSIDE = "/run/upright"
"""Where the box's folder is, seen from inside."""
INSIDE_DATA = "/run/data"
"""Where the daemon's data is, seen from inside."""

_END_SECONDS = 10.0
_BACKLOG = 512
_LONGEST_SOCKET_PATH = 107
_SAID_BYTES = 4096

# Arguments: folder, data, name server (or nothing), the daemon. The listening socket is stdin; LIFE and STATE are numbers
# of descriptors, opened by way of /proc, for dash knows numbers of one digit only.
# `kill -9 -1` spares the first process; it ends when the daemon has, and then the kernel kills what is left.
_SCRIPT = r"""
set -e
folder=$1 data=$2 resolver=$3
shift 3
resolv=$(readlink -f /etc/resolv.conf || true)
mkdir -p "$folder/run"
mount -n -t tmpfs -o mode=755 upright "$folder/run"
cd "$folder/run"
mkdir upright data lock
mount -n --bind "$folder" upright
mount -n --bind "$data" data
mount -n --move . /run
cd /
if [ "$resolver" ]; then
  echo "nameserver $resolver" > /run/resolv.conf
  case $resolv in
    /run/*) mkdir -p "${resolv%/*}" && cp /run/resolv.conf "$resolv" ;;
    ?*) mount -n --bind /run/resolv.conf "$resolv" ;;
  esac
fi
for shared in /var/lib/cni /dev/shm; do
  if [ -d "$shared" ]; then mount -n -t tmpfs -o mode=1777 upright "$shared"; fi
done
echo made > "/proc/self/fd/$STATE"
exec 3<&0 </dev/null
LISTEN_FDS=1 sh -c 'unset LIFE STATE; LISTEN_PID=$$ exec "$@"' sh "$@" &
daemon=$!
( read -r nothing < "/proc/self/fd/$LIFE" || true; kill -9 -1 ) &
wait "$daemon"
"""

_UNSHARE = (
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--net",
    "--mount-proc",
    "--kill-child=SIGKILL",
    "--propagation",
    "slave",
)


class BoxFailed(EngineError):
    """The box cannot be made, or its daemon ended at once; the message is the last it said."""


class Box:
    """A running box. ``folder`` holds its socket and its log."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], life: int) -> None:
        self.folder = folder
        self._process = process
        self._life = life
        self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY)

    @property
    def address(self) -> str:
        """What DOCKER_HOST would be. A path too long for a socket is written by way of our own descriptors."""
        return f"unix://{_socket_path(self.folder, self._folder)}"

    @property
    def network_namespace(self) -> str:
        return f"/proc/{self._process.pid}/ns/net"

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def said(self) -> str:
        """Return the last thing that the daemon said, its warnings aside."""
        with suppress(OSError), (self.folder / LOG).open("rb") as log:
            log.seek(max(log.seek(0, os.SEEK_END) - _SAID_BYTES, 0))
            lines = log.read().decode(errors="replace").strip().splitlines()
            return next((line for line in reversed(lines) if "level=warning" not in line), "")
        return ""

    async def kill(self, pid: int) -> None:
        """Kill a process by its number in the box."""
        inside = f"--pid=/proc/{self._process.pid}/ns/pid_for_children"
        argv = ["nsenter", inside, "sh", "-c", f"kill -9 {pid}"]
        await anyio.run_process(argv, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def wait(self) -> None:
        """Return when nothing in the box runs any more."""
        if self.ended:
            return
        handle = os.pidfd_open(self._process.pid)
        try:
            await anyio.wait_readable(handle)
        finally:
            os.close(handle)
        self._process.wait()

    async def close(self) -> None:
        """End all that runs in the box, and wait for it."""
        os.close(self._life)
        with anyio.move_on_after(_END_SECONDS, shield=True):
            await self.wait()
        os.close(self._folder)
        (self.folder / SOCKET).unlink(missing_ok=True)


@asynccontextmanager
async def boxed(
    daemon: Sequence[str],
    folder: Path,
    data: Path,
    *,
    resolver: str = "",
    environment: Mapping[str, str],
    locks: Sequence[int],
) -> AsyncGenerator[Box, None]:
    """Run a daemon in a box; its listening socket is descriptor 3, as systemd hands it over. Raises BoxFailed.

    ``locks`` are descriptors that all in the box inherit: what they lock stays locked as long as anything runs in there.
    """
    state, theirs = os.pipe()
    try:
        box = _start(daemon, folder, data, resolver, environment, (*locks, theirs))
    except OSError as error:
        os.close(state)
        raise BoxFailed(f"cannot start {daemon[0]} in a box: {error}") from error
    finally:
        os.close(theirs)
    try:
        await _made(box, state)
        yield box
    finally:
        os.close(state)
        await box.close()


async def _made(box: Box, state: int) -> None:
    await anyio.wait_readable(state)
    if not os.read(state, 16):
        await box.wait()
        raise BoxFailed(box.said())


def _start(
    daemon: Sequence[str],
    folder: Path,
    data: Path,
    resolver: str,
    environment: Mapping[str, str],
    inherited: Sequence[int],
) -> Box:
    life, ours = os.pipe()
    try:
        with _listening(folder) as listener, (folder / LOG).open("wb") as log:
            numbers = {"LIFE": life, "STATE": inherited[-1]}
            process = subprocess.Popen(  # noqa: S603  reason: our own script
                [*_UNSHARE, "sh", "-c", _SCRIPT, "upright-box", str(folder), str(data), resolver, *daemon],
                stdin=listener.fileno(),
                stdout=log,
                stderr=log,
                cwd="/",
                env={**environment, **{name: str(number) for name, number in numbers.items()}},
                pass_fds=(life, *inherited),
                start_new_session=True,
            )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(life)
    return Box(folder, process, ours)


def _listening(folder: Path) -> socket.socket:
    (folder / SOCKET).unlink(missing_ok=True)
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(_socket_path(folder, handle))
        (folder / SOCKET).chmod(0o600)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(handle)
    return listener


def _socket_path(folder: Path, handle: int) -> str:
    path = str(folder / SOCKET)
    return path if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH else f"/proc/{os.getpid()}/fd/{handle}/{SOCKET}"
