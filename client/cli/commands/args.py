"""Execute the Tiltfile of a run again with other arguments."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from upright.client.cli.asked import SERVER_FLAGS, environment, server
from upright.client.cli.connection import Connection
from upright.client.cli.editor import Editor, scratch
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.troubles import NotThere, WrongUsage

if TYPE_CHECKING:
    from upright.client.cli.connection import Json

_PATH = "/apis/tilt.dev/v1alpha1/tiltfiles/%28Tiltfile%29"
_MERGE = "application/merge-patch+json"
_EDITORS = ("TILT_EDITOR", "EDITOR")


def command() -> Command:
    """Return what help says."""
    return Command(
        "args",
        "Executes the Tiltfile of a run again with other arguments: resources to run, or what its own config takes.\n\n"
        "Without arguments an editor ($TILT_EDITOR, $EDITOR) opens with those that it has.",
        "upright args [--clear | [RESOURCE …] [-- TILTFILE ARGUMENTS …]]",
        "upright args -- web --env staging\n"
        "upright args --clear                   # as if it had been started without any\n"
        "EDITOR=nano upright args",
        (Flag("clear", "no arguments any more"), *SERVER_FLAGS),
    )


def run(arguments: list[str]) -> int:
    """Change them."""
    given = parse(command(), arguments, environment())
    if given.on("clear") and given.arguments:
        raise WrongUsage("--clear cannot be specified with other values")
    connection = Connection(server(given))
    try:
        had = _had(connection)
        wanted = [] if given.on("clear") else given.arguments or _edited(had)
        if wanted == had:
            sys.stderr.write("The Tiltfile has those arguments already: nothing is changed.\n")
            return 0
        connection.send("PATCH", f"{_PATH}?fieldManager=upright-args", {"spec": {"args": wanted}}, content_type=_MERGE)
    finally:
        connection.close()
    with_what = f"with: {shlex.join(wanted)}" if wanted else "without arguments"
    sys.stderr.write(f"The Tiltfile is executed again {with_what}\nHow it goes: upright logs -f '(Tiltfile)'\n")
    return 0


def _had(connection: Connection) -> list[str]:
    try:
        spec: Json = connection.get(_PATH).get("spec") or {}
    except NotThere:
        raise NotThere(
            "there is no Tiltfile yet: the run is just beginning, or the server has none of its own"
        ) from None
    return [str(arg) for arg in spec.get("args") or ()]


def _edited(had: list[str]) -> list[str]:
    """Return the arguments that a person makes of these. Raises WrongUsage for what is no line of arguments."""
    editor, path = Editor(_EDITORS, environment()), scratch("args.txt")
    try:
        text = editor.edited(f"# The arguments of the Tiltfile, in one line:\n{shlex.join(had)}\n", path)
    finally:
        path.unlink(missing_ok=True)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1:
        many = (
            "there are several lines of arguments: leave one"
            if lines
            else "there is no line of arguments: --clear takes all away"
        )
        raise WrongUsage(many)
    try:
        return shlex.split(lines[0])
    except ValueError as error:
        raise WrongUsage(f"cannot read {lines[0]!r}: {str(error).lower()}") from error
