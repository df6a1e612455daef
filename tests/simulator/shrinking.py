"""The smallest story that still breaks a promise: without the resources and faults that make no difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tests.simulator.playing import play
from tests.simulator.stories import Faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.stories import Story


def shrunk(story: Story) -> Story:
    """Return the story with all left out that can be."""
    while (smaller := next((one for one in _smaller(story) if play(one).problems), None)) is not None:
        story = smaller
    return story


def _smaller(story: Story) -> Iterator[Story]:
    """Yield stories that are this one with one thing less."""
    for gone in story.resources if len(story.resources) > 1 else ():
        kept = (one for one in story.resources if one is not gone)
        freed = (replace(one, depends_on=tuple(n for n in one.depends_on if n != gone.name)) for one in kept)
        yield replace(story, resources=tuple(freed))
    for name in Faults.__struct_fields__:
        if getattr(story.faults, name):
            yield replace(story, faults=replace(story.faults, **{name: getattr(Faults(), name)}))
