"""Private container engines for the tests: one of a kind for the whole session, each with one small image."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio.from_thread import start_blocking_portal

from upright.controllers.world.engine.connection import Connection
from upright.controllers.world.engine.docker_commands import DockerCommands
from upright.controllers.world.engine.docker_engine import DockerEngine
from upright.controllers.world.engine.private import Place, Product, private_engine
from upright.controllers.world.engine.protocol import BuildRequest
from upright.controllers.world.processes import LocalProcesses

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from pathlib import Path

    from upright.controllers.world.engine.protocol import EngineInfo

IMAGE = "toolbox:1"
"""Busybox as all its commands, with folders /tmp and /data; it sleeps."""

_DOCKERFILE = """
FROM scratch
COPY . /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
CMD ["sleep", "1000"]
"""


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """An engine that runs in a thread of its own, so that tests on any event loop can connect to it."""

    info: EngineInfo
    folder: Path
    kill: Callable[[int], Awaitable[object]] | None

    @asynccontextmanager
    async def connected(self, *, buildkit: bool = False) -> AsyncGenerator[DockerEngine]:
        """Connect to it; ``buildkit``: builds use a docker CLI that has it, if there is one."""
        async with Connection(self.info.address) as connection, LocalProcesses() as processes:
            await connection.negotiate()
            engine = DockerEngine(connection, self.info, self.kill)
            if buildkit:
                engine.commands = DockerCommands(processes)
            yield engine


@contextmanager
def running_engine(product: Product, folder: Path) -> Generator[RunningEngine]:
    """Start a private engine and build its image."""
    place = Place(state_dir=folder / "run", run_id=folder.name, cache_dir=folder / "cache")
    with (
        start_blocking_portal("asyncio", backend_options={"use_uvloop": True}) as portal,
        portal.wrap_async_context_manager(private_engine(product, place, _ignore)) as engine,
    ):
        request = BuildRequest(dockerfile=_DOCKERFILE, context=toolbox(folder / "toolbox"), tags=(IMAGE,))
        portal.call(engine.build, request, _ignore)
        yield RunningEngine(engine.info, folder, engine._kill)


def toolbox(folder: Path) -> Path:
    """Make the folder of which the image is made."""
    for name in ("bin", "tmp", "data", "etc"):
        (folder / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", folder / "bin/busybox")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\nnobody:x:65534:\n")
    return folder


def _ignore(text: str) -> None:
    del text
