"""Finding a container engine: one that is there, else a private dockerd, else a private podman."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import anyio.to_thread
from msgspec import Struct, field

from upright.controllers.world import http_library
from upright.controllers.world.engine.docker_commands import DockerCommands
from upright.controllers.world.engine.errors import NoEngine
from upright.controllers.world.engine.places import candidates
from upright.controllers.world.processes import LocalProcesses

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from upright.controllers.world.engine.docker_engine import DockerEngine
    from upright.controllers.world.engine.private import Product

EngineChoice: TypeAlias = Literal["auto", "host", "dockerd", "podman"]

_PRIVATE: dict[EngineChoice, tuple[Product, ...]] = {
    "auto": ("dockerd", "podman"),
    "host": (),
    "dockerd": ("dockerd",),
    "podman": ("podman",),
}
_INSTALL = "Install one: apt-get install docker.io, and run as root; or set DOCKER_HOST."
_NEEDS_ROOT = (
    "No container engine answers, and starting a private one needs root: run as root, start Docker or "
    "Podman (systemctl --user start podman.socket), or set DOCKER_HOST."
)


@asynccontextmanager
async def find_engine(
    choice: EngineChoice,
    *,
    state_dir: Path,
    run_id: str,
    say: Callable[[str], object],
    environment: Mapping[str, str] | None = None,
    commands: DockerCommands | None = None,
) -> AsyncGenerator[DockerEngine, None]:
    """Hand out an engine; a private one ends, with all in it, when the context is left or we die. Raises NoEngine.

    ``host`` takes only what is there, ``dockerd`` and ``podman`` only a private one of that kind. ``state_dir`` is the run's
    folder, whose siblings are other runs' folders; ``run_id`` is unique among them. ``say`` hears what a user should know.
    ``commands`` are the docker CLIs for builds, where there is one with BuildKit.
    """
    async with AsyncExitStack() as stack:
        search = _Search(stack, state_dir, run_id, say, os.environ if environment is None else environment)
        engine = await search.found() if choice in {"auto", "host"} else None
        for product in _PRIVATE[choice]:
            engine = engine or await search.private(product)
        if engine is None:
            raise NoEngine(search.summary())
        engine.commands = commands or DockerCommands(await stack.enter_async_context(LocalProcesses()))
        yield engine


class _Search(Struct):
    """One search: where the engine's context is kept, and what was tried in vain."""

    stack: AsyncExitStack
    state_dir: Path
    run_id: str
    say: Callable[[str], object]
    environment: Mapping[str, str]
    tried: list[str] = field(default_factory=list[str])
    reasons: list[str] = field(default_factory=list[str])

    async def found(self) -> DockerEngine | None:
        places = candidates(self.environment)
        names = [place.source for place in places]
        self.tried += names if "DOCKER_HOST" in names else ["DOCKER_HOST", *names]
        present = [place for place in places if not place.absent]
        if not present:
            return None
        await anyio.to_thread.run_sync(_import_found)
        from upright.controllers.world.engine.found import found_engine  # noqa: PLC0415  reason: heavy

        return await self.stack.enter_async_context(found_engine(present, self._refused))

    async def private(self, product: Product) -> DockerEngine | None:
        from upright.controllers.world.engine.private import Place, private_engine, program  # noqa: PLC0415  reason: heavy

        self.tried.append(product)
        if not program(product):
            return None
        if os.geteuid() != 0:
            self.reasons.append(_NEEDS_ROOT)
            return None
        place = Place(self.state_dir, self.run_id, _cache(self.environment))
        try:
            return await self.stack.enter_async_context(private_engine(product, place, self.say))
        except NoEngine as error:
            self.reasons.append(error.message)
            return None

    def summary(self) -> str:
        """Return one message for the dead end, with what to do."""
        if self.reasons:
            return " ".join(dict.fromkeys(self.reasons))
        return f"No container engine: tried {', '.join(self.tried)}. {_INSTALL}"

    def _refused(self, words: str) -> None:
        self.reasons.append(words)
        self.say(words)


def _import_found() -> None:
    http_library.import_it()
    import_module(f"{__package__}.found")


def _cache(environment: Mapping[str, str]) -> Path:
    """Return the folder for what private engines keep from run to run."""
    home = environment.get("XDG_CACHE_HOME") or f"{environment.get('HOME') or Path.home()}/.cache"
    return Path(home, "upright", "engine")
