"""Make objects from files, or a command, a file watch, an extension by name."""

from __future__ import annotations

from upright.client.cli.asked import SERVER_FLAGS
from upright.client.cli.changing import DRY_RUN, OUTPUT, Change
from upright.client.cli.command_files import listed
from upright.client.cli.flags import Command
from upright.client.cli.manifests import FILE_FLAGS, given_objects
from upright.client.cli.troubles import WrongUsage, closest


def command() -> Command:
    """Return what help says."""
    return Command(
        "create",
        "Makes objects from files; one that is there already is an error.",
        "upright create -f FILE",
        "upright create -f button.yaml\nupright create cmd hello echo hello",
        (*FILE_FLAGS, OUTPUT, DRY_RUN, *SERVER_FLAGS),
    )


def run(arguments: list[str]) -> int:
    """Make each object."""
    with Change(command(), arguments) as change:
        if change.given.arguments:
            word = change.given.arguments[0]
            raise WrongUsage(
                f'create what? "{word}" is none of {", ".join(names := list(listed("create")))}{closest(word, names)}'
            )
        for body in given_objects(change.given):
            create(change, body)
    return 0


def create(change: Change, body: dict[str, object]) -> None:
    """Make an object and say so."""
    if change.given.text("dry-run") == "client":
        change.say(body, "created")
        return
    kind = change.kinds.of_object(body)
    change.say(change.connection.send("POST", kind.path + change.asked(), body), "created")
