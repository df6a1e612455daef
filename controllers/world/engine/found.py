"""An engine that is already there: DOCKER_HOST, the docker context, the usual sockets."""

from __future__ import annotations

import json
import os
import socket
import struct
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from upright.controllers.world.engine.connection import Connection
from upright.controllers.world.engine.docker_engine import DockerEngine, engine_info
from upright.controllers.world.engine.errors import EngineError, NoEngine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where an engine may be. ``wanted``: somebody named it, so it is that one or none."""

    source: str
    address: str = ""
    context: str = ""
    wanted: bool = False


def candidates(environment: Mapping[str, str]) -> list[Candidate]:
    """Return where to look, in order; a place that somebody named is the only one."""
    if address := environment.get("DOCKER_HOST"):
        return [Candidate("DOCKER_HOST", address, wanted=True)]
    if context := _context(environment):
        return [Candidate(f"docker context {context}", context=context, wanted=True)]
    if address := environment.get("CONTAINER_HOST"):
        return [Candidate("CONTAINER_HOST", address, wanted=True)]
    sockets = ["/var/run/docker.sock", "/run/podman/podman.sock"]
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        sockets += [f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock"]
    if home := environment.get("HOME"):
        sockets.append(f"{home}/.docker/run/docker.sock")
    return [Candidate(path, f"unix://{path}") for path in sockets]


@asynccontextmanager
async def found_engine(
    environment: Mapping[str, str], say: Callable[[str], object]
) -> AsyncGenerator[DockerEngine | None, None]:
    """Hand out the first engine that is there and works, None if there is none. Raises NoEngine if a named one does not."""
    async with AsyncExitStack() as stack:
        for candidate in candidates(environment):
            if _absent(candidate):
                continue
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
                about = await connection.negotiate()
                details: dict[str, Any] = await connection.call("GET", "info")
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


def _absent(candidate: Candidate) -> bool:
    """Whether there is nothing at one of the usual places."""
    return not candidate.wanted and not Path(candidate.address.removeprefix("unix://")).exists()


def _context(environment: Mapping[str, str]) -> str:
    """Return the docker context that somebody chose, empty for the default one."""
    context = environment.get("DOCKER_CONTEXT", "")
    if not context:
        folder = environment.get("DOCKER_CONFIG") or f"{environment.get('HOME', '')}/.docker"
        with suppress(OSError, ValueError):
            context = json.loads(Path(folder, "config.json").read_bytes()).get("currentContext") or ""
    return "" if context == "default" else context


def _explained(candidate: Candidate, error: EngineError) -> str:
    where = candidate.address or candidate.source
    path = Path(candidate.address.removeprefix("unix://"))
    if candidate.address.startswith("unix://") and path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return f"Docker at {where} refused access (EACCES): add the user to group docker, or set DOCKER_HOST."
    named = f"{candidate.source}={where}" if candidate.source.isupper() else where
    return f"The container engine at {named} cannot be used: {error.message}"
