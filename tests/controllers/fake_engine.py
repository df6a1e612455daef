"""A container engine that builds nothing: images are names in a table."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from upright.controllers.engines import Engines
from upright.controllers.world.engine.errors import BuildFailed, ImageNotFound
from upright.controllers.world.engine.protocol import BuildRequest, EngineInfo, Image

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

INFO = EngineInfo(product="dockerd", version="1", api_version="1.44", arch="amd64", address="unix:///run/fake.sock")


@dataclass
class FakeEngine:
    """Remembers what it was asked. ``fails``: what the next builds say, in order; empty text is success."""

    info: EngineInfo = INFO
    names: dict[str, str] = field(default_factory=dict[str, str])
    builds: list[BuildRequest] = field(default_factory=list[BuildRequest])
    pushed: list[str] = field(default_factory=list[str])
    fails: list[str] = field(default_factory=list[str])

    async def build(self, request: BuildRequest, tell: Callable[[str], object]) -> str:
        self.builds.append(request)
        tell("Step 1/1 : FROM scratch")
        if self.fails and (why := self.fails.pop(0)):
            raise BuildFailed(why)
        made = f"sha256:{len(self.builds) - 1:016x}{0:048x}"
        self.names[made] = made
        return made

    async def image(self, reference: str) -> Image:
        known = reference if reference in self.names.values() else self.names.get(reference)
        if known is None:
            raise ImageNotFound(f"No such image: {reference}", status=404)
        return Image(id=known, tags=(reference,))

    async def tag(self, image: str, reference: str) -> None:
        self.names[reference] = (await self.image(image)).id

    async def push(self, reference: str, *, auth: object = None, tell: object = None) -> str:
        del auth, tell
        self.pushed.append(reference)
        return "sha256:0"


def engines(engine: FakeEngine) -> Engines:
    """Return what gives this engine; its ``run`` must run beside."""

    @asynccontextmanager
    async def opened() -> AsyncGenerator[FakeEngine]:
        yield engine

    return Engines(opened)  # type: ignore[arg-type]  # the part of an Engine that image steps use
