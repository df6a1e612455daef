"""What an engine tells of what it does and has done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping


class Finished(Struct, frozen=True):
    """How a program ended, and what it printed (the end of it, if it was much)."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class EngineEvent(Struct, frozen=True):
    """Something happened to a container: ``start``, ``die``, ``oom``, ``kill``, ``destroy`` and so on.

    ``attributes`` holds the container's labels, ``image``, ``name``, and ``exitCode`` for die. ``time`` is in nanoseconds
    since 1970, by the engine's clock.
    """

    action: str
    container: str
    time: int
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])


class Reaped(Struct, frozen=True):
    """How many of our things were removed."""

    containers: int = 0
    networks: int = 0
    volumes: int = 0
