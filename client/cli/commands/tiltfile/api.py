"""Print the reference of all that a Tiltfile may call, or types for editors."""

from __future__ import annotations

from importlib import import_module

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.troubles import WrongUsage

_ENTRY_POINT = "upright.tiltfile"


def command() -> Command:
    """Return what help says."""
    return Command(
        "tiltfile api",
        "Prints the reference of all that a Tiltfile may call, made from the functions themselves.",
        "upright tiltfile api [flags]",
        "upright tiltfile api\nupright tiltfile api --form stub > tiltfile.pyi",
        (
            Flag(
                "form",
                "form of the reference: text, markdown or stub (types for editors)",
                "FORM",
                default="text",
                choices=("text", "markdown", "stub"),
            ),
        ),
    )


def run(arguments: list[str]) -> int:
    """Print it."""
    given = parse(command(), arguments, environment())
    if given.arguments:
        raise WrongUsage(f'tiltfile api takes no arguments, not "{given.arguments[0]}"')
    return int(import_module(_ENTRY_POINT).reference(given.text("form")))
