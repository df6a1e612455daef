"""The steps of a live update: initial_sync(), fall_back_on(), sync(), run() and restart_container()."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, boolean, optional, required, string
from upright.controllers.tiltfile.language.errors import WrongValue
from upright.controllers.tiltfile.language.interpreter import absolute
from upright.controllers.tiltfile.language.text import quote, to_repr
from upright.controllers.tiltfile.language.values import List, Set, Value, type_name
from upright.controllers.tiltfile.live_updates import StepMeaning, new_step
from upright.controllers.tiltfile.readers import command, command_text, paths
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.live_updates import LiveUpdateStep
    from upright.controllers.tiltfile.project import Project


def _triggers(value: Value, _directory: str) -> tuple[str, ...]:
    if value is None:
        return ()
    items = value if isinstance(value, List | tuple | Set) else (value,)
    for item in items:
        if type(item) is not str:
            raise WrongValue(
                f"triggers contained value '{to_repr(item)}' of type '{type_name(item)}'. it may only contain strings"
            )
    return tuple(items)


class Nothing(Arguments):
    """A step without arguments."""


class PathArguments(Arguments):
    """fall_back_on(paths)."""

    paths: tuple[str, ...] = required(paths)


class SyncArguments(Arguments):
    """sync(local_path, remote_path)."""

    local_path: str = required(string)
    remote_path: str = required(string)


class RunArguments(Arguments):
    """run(cmd, trigger=[], echo_off=False)."""

    cmd: tuple[str, ...] = required(command)
    trigger: tuple[str, ...] = optional(_triggers, ())
    echo_off: bool = optional(boolean, default=False)


def initial_sync(project: Project, _given: Nothing) -> LiveUpdateStep:
    """Return the step that copies everything when a container starts."""
    return new_step(project, StepMeaning(kind="initial_sync", place=project.interpreter.where()), "initial_sync step")


def fall_back_on(project: Project, given: PathArguments) -> LiveUpdateStep:
    """Return the step that says which files need a new image."""
    meaning = StepMeaning(kind="fall_back_on", place=project.interpreter.where(), paths=given.paths)
    return new_step(project, meaning, f"fall_back_on step: [{' '.join(given.paths)}]'")


def sync(project: Project, given: SyncArguments) -> LiveUpdateStep:
    """Return the step that copies files."""
    local = absolute(given.local_path, project.directory)
    place = project.interpreter.where()
    meaning = StepMeaning(kind="sync", place=place, paths=(local,), container_path=given.remote_path)
    return new_step(project, meaning, f"sync step: '{local}'->'{given.remote_path}'")


def run(project: Project, given: RunArguments) -> LiveUpdateStep:
    """Return the step that runs a command in the container."""
    place = project.interpreter.where()
    meaning = StepMeaning(kind="run", place=place, paths=given.trigger, command=given.cmd, echo_off=given.echo_off)
    triggers = f" (triggers: {'; '.join(given.trigger)})" if given.trigger else ""
    return new_step(project, meaning, f"run step: {quote(command_text(given.cmd))}{triggers}")


def restart_container(project: Project, _given: Nothing) -> LiveUpdateStep:
    """Return the step that restarts the container; for Compose only."""
    meaning = StepMeaning(kind="restart_container", place=project.interpreter.where())
    return new_step(project, meaning, "restart_container step")


VALUES = {
    "fall_back_on": function("fall_back_on", PathArguments, fall_back_on),
    "initial_sync": function("initial_sync", Nothing, initial_sync),
    "restart_container": function("restart_container", Nothing, restart_container),
    "run": function("run", RunArguments, run),
    "sync": function("sync", SyncArguments, sync),
}
