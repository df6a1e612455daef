"""Write a page about each command."""

from __future__ import annotations

import sys
from pathlib import Path

from upright.client.cli.asked import environment
from upright.client.cli.command_pages import pages
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.troubles import Trouble, WrongUsage


def command() -> Command:
    """Return what help says."""
    return Command(
        "dump cli-docs",
        "Writes a page of Markdown about each command, made of what -h says.",
        "upright dump cli-docs [--dir DIR]",
        "upright dump cli-docs --dir ./docs/cli",
        (Flag("dir", "the folder to write them to; it is made if it is not there", "DIR", default="."),),
    )


def run(arguments: list[str]) -> int:
    """Write them."""
    given = parse(command(), arguments, environment())
    if given.arguments:
        raise WrongUsage(f'dump cli-docs takes no arguments, not "{given.arguments[0]}"')
    folder = Path(given.text("dir"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = 0
        for name, text in pages():
            (folder / name).write_text(text, encoding="utf-8")
            written += 1
    except OSError as error:
        raise Trouble(f"the pages cannot be written: {error}") from error
    sys.stderr.write(f"{written} pages are in {folder}\n")
    return 0
