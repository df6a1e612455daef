"""Set labels of objects, or take them away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.marks import command_of, mark

if TYPE_CHECKING:
    from upright.client.cli.flags import Command


def command() -> Command:
    """Return what help says."""
    return command_of("label", "labels", "upright label resource web tier=front\nupright label resource --all tier-")


def run(arguments: list[str]) -> int:
    """Do it."""
    return mark(command(), "labels", "labeled", arguments)
