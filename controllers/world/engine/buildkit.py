"""BuildKit, by way of a docker CLI that has it: cache mounts, secrets, ssh, heredocs, stages side by side."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from msgspec import Struct

from upright.controllers.world.engine.build_progress import BuildKitOutput
from upright.controllers.world.engine.dockerfile import BUILDKIT, OLD_BUILDKIT, for_buildkit
from upright.controllers.world.engine.errors import BuildFailed, BuildRefused
from upright.controllers.world.engine.ignores import ContextError, ignore_patterns
from upright.controllers.world.processes import Command, StartFailed, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.world.engine.docker_commands import DockerCommands
    from upright.controllers.world.engine.dockerfile import Abilities
    from upright.controllers.world.engine.protocol import BuildRequest, EngineInfo
    from upright.controllers.world.processes import Processes

_HEREDOCS_SINCE = 25


class BuildKit(Struct, frozen=True):
    """A CLI that has BuildKit: what to call, and what the engine's own frontend understands."""

    argv: tuple[str, ...]
    abilities: Abilities


def is_wanted(info: EngineInfo) -> bool:
    """Whether BuildKit can build on this engine; DOCKER_BUILDKIT=0 means that it is not wanted."""
    return info.product == "dockerd" and os.environ.get("DOCKER_BUILDKIT") != "0"


async def find_buildkit(commands: DockerCommands, info: EngineInfo) -> BuildKit | None:
    """Return the first docker CLI that can build on this engine with BuildKit, None if there is none."""
    if not is_wanted(info) or (argv := await commands.builder()) is None:
        return None
    return BuildKit(argv, BUILDKIT if int(info.version.partition(".")[0]) >= _HEREDOCS_SINCE else OLD_BUILDKIT)


async def build(
    buildkit: BuildKit, processes: Processes, address: str, request: BuildRequest, tell: Callable[[str], object]
) -> str:
    """Build and tag, and return what the CLI says the image's id is. Raises BuildRefused, BuildFailed."""
    dockerfile = for_buildkit(request.dockerfile, buildkit.abilities)
    with tempfile.TemporaryDirectory(prefix="upright-build-") as name:
        folder = Path(name)
        await anyio.to_thread.run_sync(_write, folder, request, dockerfile)
        output = BuildKitOutput(request.dockerfile, tell)
        command = Command(_arguments(buildkit, folder, request), str(folder), _environment(address))
        try:
            ended = await run(processes, command, output.take)
        except StartFailed as error:
            raise BuildFailed(str(error)) from error
        output.end(failed=bool(ended.reason), words=ended.reason)
        return await anyio.Path(folder, "id").read_text()


def _write(folder: Path, request: BuildRequest, dockerfile: str) -> None:
    context = request.context or folder / "empty"
    if request.context is None:
        context.mkdir()
    elif not context.is_dir():
        raise BuildRefused(f"the build context {context} is not a folder")
    try:
        patterns = ignore_patterns(context, request.ignores)
    except ContextError as error:
        raise BuildRefused(str(error)) from error
    (folder / "Dockerfile").write_text(dockerfile)
    # There is always one, for the context's own would be read else; an empty one does not count.
    (folder / "Dockerfile.dockerignore").write_text("".join(f"{line}\n" for line in ("#", *patterns)))


def _arguments(buildkit: BuildKit, folder: Path, request: BuildRequest) -> tuple[str, ...]:
    arguments = [*buildkit.argv, "--progress=plain", f"--file={folder}/Dockerfile", f"--iidfile={folder}/id"]
    arguments += [f"--tag={tag}" for tag in request.tags]
    arguments += [
        f"--build-arg={name}" if value is None else f"--build-arg={name}={value}"
        for name, value in request.args.items()
    ]
    arguments += [f"--label={name}={value}" for name, value in request.labels.items()]
    arguments += [f"--cache-from={image}" for image in request.cache_from]
    arguments += [f"--add-host={host}" for host in request.extra_hosts]
    arguments += [f"--secret={secret}" for secret in request.secrets]
    arguments += [f"--ssh={ssh}" for ssh in request.ssh]
    single = {"target": request.target, "platform": request.platform, "network": request.network}
    arguments += [f"--{name}={value}" for name, value in single.items() if value]
    arguments += [f"--{name}" for name, wanted in (("pull", request.pull), ("no-cache", request.no_cache)) if wanted]
    return (*arguments, str(request.context or folder / "empty"))


def _environment(address: str) -> dict[str, str]:
    """Return our environment, pointed at the engine, with its own builder."""
    own = {name: value for name, value in os.environ.items() if name != "DOCKER_CONTEXT"}
    return {**own, "DOCKER_HOST": address, "DOCKER_BUILDKIT": "1", "BUILDX_BUILDER": "default", "BUILDKIT_COLORS": ""}
