"""Write the reference of all that a Tiltfile may call."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.troubles import Trouble, WrongUsage

_REFERENCE = "upright.controllers.tiltfile.reference"
_FILES = {"tiltfile.md": "markdown", "tiltfile.pyi": "stub"}


def command() -> Command:
    """Return what help says."""
    return Command(
        "dump api-docs",
        "Writes the reference of all that a Tiltfile may call: tiltfile.md to read, tiltfile.pyi for editors.\n"
        "tiltfile api prints the same.",
        "upright dump api-docs [--dir DIR]",
        "upright dump api-docs --dir ./docs",
        (Flag("dir", "the folder to write them to; it is made if it is not there", "DIR", default="."),),
    )


def run(arguments: list[str]) -> int:
    """Write it."""
    given = parse(command(), arguments, environment())
    if given.arguments:
        raise WrongUsage(f'dump api-docs takes no arguments, not "{given.arguments[0]}"')
    folder = Path(given.text("dir"))
    forms = import_module(_REFERENCE).FORMS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, form in _FILES.items():
            (folder / name).write_text(f"{forms[form]().rstrip()}\n", encoding="utf-8")
    except OSError as error:
        raise Trouble(f"the reference cannot be written: {error}") from error
    sys.stderr.write(f"{' and '.join(_FILES)} are in {folder}\n")
    return 0
