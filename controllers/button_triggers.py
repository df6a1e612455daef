"""Starts and restarts of Cmds by clicks on buttons and by changes of files, as their ``startOn`` and ``restartOn`` say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.cmd_triggers import Trigger
from upright.controllers.runtime.controller import Watch
from upright.controllers.runtime.queue import Key
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.file_watch import FileWatch
from upright.openapi.v1alpha1.ui_button import UIButton

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object


class ButtonTriggers:
    """Knows which Cmds name a button or a FileWatch; one that is not there has never triggered anything."""

    def __init__(self) -> None:
        self._users: dict[tuple[type[Object], str], set[str]] = {}

    def watches(self) -> Iterable[Watch]:
        """Return the kinds to hear of, with the Cmds that each of their objects concerns."""
        yield Watch(Cmd, self._noted)
        for kind in (UIButton, FileWatch):
            yield Watch(kind, lambda obj: [Key("", name) for name in self._users.get((type(obj), obj.name), ())])

    def last(self, turn: Turn[Cmd]) -> Trigger | None:
        """Return the last event that is to start the Cmd, or to run it again; None if there was none."""
        spec = turn.obj.spec
        starts: list[Trigger] = []
        if spec.start_on is not None:
            after = spec.start_on.start_after
            starts = [one for one in _clicks(spec.start_on.ui_buttons, turn) if after is None or one.time >= after]
            if not starts:
                return None
        restarts: list[Trigger] = []
        if spec.restart_on is not None:
            restarts = [*_clicks(spec.restart_on.ui_buttons, turn), *_changes(spec.restart_on.file_watches, turn)]
        return max([*starts, *restarts], key=lambda one: one.time, default=None)

    def _noted(self, obj: Object) -> Iterable[Key]:
        """Take note of what a Cmd names; wakes nobody."""
        if isinstance(obj, Cmd):
            start, restart = obj.spec.start_on, obj.spec.restart_on
            buttons = (*(start.ui_buttons if start else ()), *(restart.ui_buttons if restart else ()))
            for button in buttons:
                self._users.setdefault((UIButton, button), set()).add(obj.name)
            for watch in restart.file_watches if restart else ():
                self._users.setdefault((FileWatch, watch), set()).add(obj.name)
        return ()


def _clicks(names: Iterable[str], turn: Turn[Cmd]) -> Iterator[Trigger]:
    for name in names:
        button = turn.get(UIButton, name)
        if button is not None and button.status.last_clicked_at is not None:
            yield Trigger(button.status.last_clicked_at, tuple(_inputs(button)))


def _changes(names: Iterable[str], turn: Turn[Cmd]) -> Iterator[Trigger]:
    for name in names:
        watch = turn.get(FileWatch, name)
        if watch is not None and watch.status.last_event_time is not None:
            yield Trigger(watch.status.last_event_time)


def _inputs(button: UIButton) -> Iterator[str]:
    """Yield what was given with the click, as environment variables."""
    given = {one.name: one for one in button.status.inputs}
    for wanted in button.spec.inputs:
        found = given.get(wanted.name)
        if wanted.bool is not None and found is not None and found.bool is not None:
            yes, no = wanted.bool.true_string, wanted.bool.false_string
            words = ("true" if yes is None else yes, "false" if no is None else no)
            yield f"{wanted.name}={words[0] if found.bool.value else words[1]}"
        elif wanted.hidden is not None:
            yield f"{wanted.name}={wanted.hidden.value}"
        elif found is not None and (said := found.text or found.choice) is not None:
            default = wanted.choice.choices[0] if wanted.choice is not None and not said.value else ""
            yield f"{wanted.name}={said.value or default}"
