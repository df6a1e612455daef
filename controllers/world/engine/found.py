"""An engine that is already there: DOCKER_HOST, the docker context, the usual sockets."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from upright.controllers.world.engine.connection import Connection
from upright.controllers.world.engine.docker_engine import DockerEngine, engine_info
from upright.controllers.world.engine.errors import EngineError, NoEngine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from upright.controllers.world.engine.places import Candidate

_ANSWER_SECONDS = 10.0


@asynccontextmanager
async def found_engine(
    places: Sequence[Candidate], say: Callable[[str], object]
) -> AsyncGenerator[DockerEngine | None, None]:
    """Hand out the first engine that works, None if none does. Raises NoEngine if a named one does not."""
    async with AsyncExitStack() as stack:
        for candidate in places:
            try:
                engine = await stack.enter_async_context(_opened(candidate))
            except EngineError as error:
                words = _explained(candidate, error)
                if candidate.wanted:
                    raise NoEngine(words) from error
                say(words)
                continue
            yield engine
            return
        yield None


@asynccontextmanager
async def _opened(candidate: Candidate) -> AsyncGenerator[DockerEngine, None]:
    try:
        connection = Connection(candidate.address, candidate.context)
    except Exception as error:  # aiodocker raises what it likes about addresses and contexts
        raise EngineError(str(error)) from error
    async with connection:
        try:
            with anyio.fail_after(_ANSWER_SECONDS):
                about, details = await connection.introduced()
        except TimeoutError as error:
            raise EngineError(f"no answer within {_ANSWER_SECONDS:g} s") from error
        if details.get("OSType", "linux") != "linux":
            raise EngineError("it runs Windows containers")
        local = _is_local(connection.address, str(details.get("Name")))
        rootless = any("rootless" in str(option) for option in details.get("SecurityOptions") or ())
        namespace = None if rootless or not local else _network_of(connection.address)
        info = engine_info(about, connection.address, local=local, namespace=namespace)
        yield DockerEngine(connection, info, _kill if local and os.geteuid() == 0 else None)


def _is_local(address: str, name: str) -> bool:
    """Whether the engine is on this machine and no container or virtual machine stands between."""
    return address.startswith("unix://") and name == os.uname().nodename and _listener(address) > 0


def _network_of(address: str) -> str:
    """Return the network that the engine is in: empty for our own, else a path to its namespace."""
    path = f"/proc/{_listener(address)}/ns/net"
    with suppress(OSError):
        if Path(path).stat().st_ino != Path("/proc/self/ns/net").stat().st_ino:
            return path
    return ""


def _listener(address: str) -> int:
    """Return the process that made the engine's socket, 0 if it is not in our process namespace."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
        asking.connect(address.removeprefix("unix://"))
        pid: int = struct.unpack("iII", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        return pid
    return 0


async def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, 9)


def _explained(candidate: Candidate, error: EngineError) -> str:
    where = candidate.address or candidate.source
    path = Path(candidate.address.removeprefix("unix://"))
    if candidate.address.startswith("unix://") and path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return f"Docker at {where} refused access (EACCES): add the user to group docker, or set DOCKER_HOST."
    named = f"{candidate.source}={where}" if candidate.source.isupper() else where
    return f"The container engine at {named} cannot be used: {error.message}"
