"""Set annotations of objects, or take them away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.marks import command_of, mark

if TYPE_CHECKING:
    from upright.client.cli.flags import Command


def command() -> Command:
    """Return what help says."""
    examples = "upright annotate resource web note='seen by me'\nupright annotate resource web note-"
    return command_of("annotate", "annotations", examples)


def run(arguments: list[str]) -> int:
    """Do it."""
    return mark(command(), "annotations", "annotated", arguments)
