"""What makes a Cmd start, or run again, without a change of its spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from upright.controllers.runtime.controller import Watch
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.v1alpha1.cmd import Cmd


class Trigger(Struct, frozen=True):
    """The last event that counts: when it was, and what a button's inputs add to the environment as ``NAME=VALUE``."""

    time: datetime
    env: tuple[str, ...] = ()


class Triggers(Protocol):
    """Knows the objects that ``startOn`` and ``restartOn`` name."""

    def watches(self) -> Iterable[Watch]:
        """Return the kinds to hear of, with the Cmds that each of their objects concerns."""
        ...

    def last(self, turn: Turn[Cmd]) -> Trigger | None:
        """Return the last event that is to start the Cmd, or to run it again; None if there was none."""
        ...


class NoTriggers:
    """What a server without buttons and file watches knows: nothing ever happened."""

    def watches(self) -> Iterable[Watch]:
        return ()

    def last(self, turn: Turn[Cmd]) -> Trigger | None:
        del turn
        return None
