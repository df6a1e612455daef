"""trigger_mode() and its two constants: whether a change of a resource's inputs updates it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, required, wrong_type
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.values import HostValue, Value
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project, TriggerMode


class TriggerModeValue(HostValue):
    """TRIGGER_MODE_AUTO or TRIGGER_MODE_MANUAL."""

    starlark_type = "TriggerMode"

    def __init__(self, mode: TriggerMode) -> None:
        self.mode: TriggerMode = mode

    def __str__(self) -> str:
        return f"TRIGGER_MODE_{self.mode.upper()}"


AUTO = TriggerModeValue("auto")
MANUAL = TriggerModeValue("manual")


def trigger_mode_value(value: Value, _directory: str = "") -> TriggerMode:
    """Read one of the two constants."""
    if not isinstance(value, TriggerModeValue):
        raise wrong_type(value, "TriggerMode")
    return value.mode


class Mode(Arguments):
    """trigger_mode(trigger_mode)."""

    trigger_mode: TriggerMode = required(trigger_mode_value)


def trigger_mode(project: Project, given: Mode) -> None:
    """Set the mode of resources that do not say their own; once."""
    if project.trigger_mode_place is not None:
        raise Failure(f"trigger_mode can only be called once. It was already called at {project.trigger_mode_place}")
    project.trigger_mode = given.trigger_mode
    project.trigger_mode_place = project.interpreter.where()


VALUES = {
    "TRIGGER_MODE_AUTO": lambda _project: AUTO,
    "TRIGGER_MODE_MANUAL": lambda _project: MANUAL,
    "trigger_mode": function("trigger_mode", Mode, trigger_mode),
}
