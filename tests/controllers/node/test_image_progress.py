"""A pull that takes its time tells how it gets on, by events of the pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from upright.controllers.node.images import PROGRESS_SECONDS, Images
from upright.controllers.world.engine.errors import ImageNotFound
from upright.controllers.world.engine.protocol import Image, Progress
from upright.openapi.core_v1.container import Container

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.world.engine.protocol import Engine

STEPS = (
    Progress("", "Pulling from library/web"),
    Progress("a", "Pulling fs layer"),
    Progress("a", "Downloading", 10_000_000, 40_000_000),
    Progress("b", "Downloading", 1_000_000, 2_000_000),
    Progress("a", "Download complete"),
    Progress("a", "Extracting", 1, 40_000_000),
)


class Slow:
    """An engine without images; each step of a pull takes a time."""

    def __init__(self, step_seconds: float) -> None:
        self.now = 0.0
        self._step_seconds = step_seconds

    async def image(self, reference: str) -> Image:
        raise ImageNotFound(reference)

    async def pull(self, reference: str, *, tell: Callable[[Progress], object]) -> Image:
        for step in STEPS:
            self.now += self._step_seconds
            tell(step)
        return Image(id=reference, size=42)


async def events_of_a_pull(step_seconds: float) -> list[str]:
    engine, told = Slow(step_seconds), list[str]()
    images = Images(cast("Engine", engine), lambda: engine.now)  # cast: the two calls that are made
    await images.ensure(Container(name="web", image="web:1"), lambda _kind, _reason, message: told.append(message))
    return told


async def test_a_quick_pull_is_told_at_its_begin_and_end() -> None:
    first, last = await events_of_a_pull(0.1)
    assert first == 'Pulling image "web:1"'
    assert last.startswith('Successfully pulled image "web:1" in 600ms')


async def test_a_slow_pull_is_told_every_few_seconds() -> None:
    _, *between, _ = await events_of_a_pull(PROGRESS_SECONDS)
    assert between == [
        'Pulling image "web:1": 10.0 of 40.0 MB',
        'Pulling image "web:1": 11.0 of 42.0 MB',
        'Pulling image "web:1": 41.0 of 42.0 MB',
        'Pulling image "web:1": 41.0 of 42.0 MB',
    ]
