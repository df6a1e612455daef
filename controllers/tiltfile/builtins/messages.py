"""print, warn, fail and exit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, anything, bind, optional, required, string
from upright.controllers.tiltfile.language.errors import Exit, Failure
from upright.controllers.tiltfile.language.text import to_repr, to_str
from upright.controllers.tiltfile.language.values import Builtin, Value
from upright.controllers.tiltfile.secret_texts import learn
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class Message(Arguments):
    """fail(msg), warn(msg)."""

    msg: str = required(string)


class Code(Arguments):
    """exit(code=None)."""

    code: Value = optional(anything, None)


class Separator(Arguments):
    """What print takes by name."""

    sep: str = optional(string, " ")


def warn(project: Project, given: Message) -> None:
    """Log a warning."""
    learn(project, given.msg)
    project.warn(given.msg)


def fail(project: Project, given: Message) -> None:
    """End the Tiltfile with an error."""
    learn(project, given.msg)
    raise Failure(given.msg)


def leave(project: Project, given: Code) -> None:
    """End the Tiltfile; what it said so far stands."""
    if given.code is not None and to_repr(given.code) != '""':
        project.log(to_repr(given.code), "INFO")
    raise Exit


def _print(project: Project) -> Builtin:
    def run(args: tuple[Value, ...], kwargs: dict[str, Value]) -> None:
        separator = bind("print", Separator, ((), kwargs), "").sep
        text = separator.join(map(to_str, args))
        learn(project, text)
        project.say(text)

    return Builtin("print", run)


VALUES = {
    "exit": function("exit", Code, leave),
    "fail": function("fail", Message, fail),
    "print": _print,
    "warn": function("warn", Message, warn),
}
