"""Keep what a run looks like now in a file that Tilt's viewer reads."""

from __future__ import annotations

import json
import os
import sys

from upright.client.cli.asked import SERVER_FLAGS, environment, server
from upright.client.cli.connection import Connection
from upright.client.cli.flags import Command, parse
from upright.client.cli.troubles import Trouble, WrongUsage


def command() -> Command:
    """Return what help says."""
    return Command(
        "snapshot create",
        "Keeps what a run looks like now, objects and log, in a file (or on stdout) that snapshot view shows, Tilt's too.",
        "upright snapshot create [FILE]",
        "upright snapshot create run.json\nupright snapshot create | jq .view.uiResources",
        SERVER_FLAGS,
    )


def run(arguments: list[str]) -> int:
    """Write the snapshot."""
    given = parse(command(), arguments, environment())
    if len(given.arguments) > 1:
        raise WrongUsage(f"one file, not {len(given.arguments)}: {', '.join(given.arguments)}")
    connection = Connection(server(given))
    try:
        text = json.dumps(connection.get("/api/snapshot/local"), ensure_ascii=False) + "\n"
    finally:
        connection.close()
    if not given.arguments:
        sys.stdout.write(text)
        return 0
    try:
        made = os.open(given.arguments[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(made, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Trouble(f"the snapshot cannot be written: {error}") from error
    return 0
