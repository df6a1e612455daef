"""A row: a small project, and what must be said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.e2e.project import Project
    from upright.openapi.meta import Json


class Row(NamedTuple):
    """What cannot become healthy, and how that must be told; ``place`` is where the last of the first card's path begins.

    ``files`` are further files of the project, ``flags`` what ``upright ci`` is given, ``cards`` how many cards there are.
    """

    name: str
    objects: tuple[Json, ...]
    rule: str
    words: str
    exit_code: int | None = None
    tiltfile: str = ""
    place: str = "container main"
    log: str = ""
    files: tuple[tuple[str, str], ...] = ()
    flags: tuple[str, ...] = ()
    cards: int = 1

    def write(self, project: Project) -> None:
        """Have it as the project's Tiltfile."""
        project.tiltfile(self.tiltfile, *self.objects)
        for name, text in self.files:
            project.write(name, text)
