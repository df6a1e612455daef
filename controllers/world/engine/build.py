"""Builds: with BuildKit by way of a CLI that has it, else through the engine's classic build API."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any

import anyio.to_thread

from upright.controllers.world.engine import buildkit
from upright.controllers.world.engine.build_output import ClassicOutput
from upright.controllers.world.engine.connection import messages
from upright.controllers.world.engine.context import pack
from upright.controllers.world.engine.dockerfile import (
    DOCKERD,
    PODMAN,
    PODMAN_WITH_HEREDOCS,
    platform_args,
    refuse_unknown,
)
from upright.controllers.world.engine.errors import BuildFailed, BuildRefused
from upright.controllers.world.engine.ignores import ContextError
from upright.controllers.world.engine.images import Images

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from upright.controllers.world.engine.connection import Connection
    from upright.controllers.world.engine.context import PackedContext
    from upright.controllers.world.engine.docker_commands import DockerCommands
    from upright.controllers.world.engine.dockerfile import Abilities
    from upright.controllers.world.engine.protocol import BuildRequest, EngineInfo

_CHUNK_BYTES = 1 << 20


class Builds(Images):
    """See ``Engine``: builds. ``commands`` are the docker CLIs; without them, builds are the engine's own."""

    def __init__(self, connection: Connection, info: EngineInfo) -> None:
        super().__init__(connection, info)
        self.commands: DockerCommands | None = None

    async def build(self, request: BuildRequest, tell: Callable[[str], object]) -> str:
        commands = self.commands
        found = await buildkit.find_buildkit(commands, self._info) if commands is not None else None
        if commands is None or found is None:
            return await self._build_classic(request, tell)
        built = await buildkit.build(found, commands.processes, self._info.address, request, tell)
        return (await self.image(built)).id

    async def _build_classic(self, request: BuildRequest, tell: Callable[[str], object]) -> str:
        refuse(request, self._info)
        packed = await anyio.to_thread.run_sync(packed_context, request)
        output = ClassicOutput(request.dockerfile, tell)
        with packed.tar:
            params = _params(request, packed.dockerfile, self._info)
            body = _chunks(packed.tar)
            async with self._connection.stream("POST", "build", params=params, body=body) as response:
                async for message in messages(response):
                    output.take(message)
        if not output.image:
            raise BuildFailed("the engine ended the build without an image")
        return (await self.image(output.image)).id


def refuse(request: BuildRequest, info: EngineInfo) -> None:
    """Raise BuildRefused if the engine's own build API cannot do that."""
    for wanted, what in ((request.secrets, "secrets"), (request.ssh, "ssh")):
        if wanted:
            raise BuildRefused(f"{what} in a build need BuildKit: install docker buildx (docker-buildx-plugin)")
    refuse_unknown(request.dockerfile, _abilities(info))


def packed_context(request: BuildRequest) -> PackedContext:
    """Make the tar of a request's context. Blocks. Raises BuildRefused."""
    try:
        return pack(request.context, request.dockerfile, request.dockerfile_path, request.ignores)
    except ContextError as error:
        raise BuildRefused(str(error)) from error


def _abilities(info: EngineInfo) -> Abilities:
    if info.product == "dockerd":
        return DOCKERD
    major, minor = (int(part) for part in info.version.split(".")[:2])
    return PODMAN_WITH_HEREDOCS if (major, minor) >= (4, 9) else PODMAN


def _params(request: BuildRequest, dockerfile: str, info: EngineInfo) -> dict[str, Any]:
    platform = f"linux/{info.arch}"
    given = {name: os.environ.get(name) if value is None else value for name, value in request.args.items()}
    args = platform_args(request.dockerfile, request.platform or platform, platform) | given
    return {
        "dockerfile": dockerfile,
        "t": request.tags,
        "buildargs": {name: value for name, value in args.items() if value is not None},
        "labels": dict(request.labels),
        "target": request.target,
        "platform": request.platform,
        "networkmode": request.network,
        "pull": request.pull,
        "nocache": request.no_cache,
        "cachefrom": list(request.cache_from),
        # dockerd wants the parameter repeated, podman wants a list
        "extrahosts": list(request.extra_hosts) if info.product == "podman" else request.extra_hosts,
        "rm": True,
        "forcerm": True,
    }


async def _chunks(tar: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await anyio.to_thread.run_sync(tar.read, _CHUNK_BYTES):
        yield chunk
