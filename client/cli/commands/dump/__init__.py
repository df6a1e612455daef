"""Print what a server knows as one JSON document, and what this program knows of itself."""

from __future__ import annotations

import json
import sys

from upright.client.cli import discovery
from upright.client.cli.asked import SERVER_FLAGS, environment, server
from upright.client.cli.bundled import Bundled
from upright.client.cli.command_files import listed
from upright.client.cli.connection import Connection
from upright.client.cli.flags import Command, parse
from upright.client.cli.troubles import WrongUsage, closest

_PATHS = {
    "webview": "/api/view",
    "view": "/api/view",
    "engine": "/api/dump/engine",
    "logstore": "/api/dump/engine",
    "openapi": "/openapi/v2",
}


def command() -> Command:
    """Return what help says."""
    return Command(
        "dump",
        "Prints what a server knows as JSON: webview (what Tilt's page is sent), engine (every object), logstore; and openapi,\n"
        "which is this program's own where no server runs.",
        f"upright dump {'|'.join(_PATHS)}",
        "upright dump engine > engine.json\nupright dump logstore --port 10351",
        SERVER_FLAGS,
    )


def run(arguments: list[str]) -> int:
    """Print the document."""
    given = parse(command(), arguments, environment())
    if len(given.arguments) != 1 or given.arguments[0] not in _PATHS:
        word = given.arguments[0] if given.arguments else ""
        known = [*_PATHS, *listed("dump")]
        raise WrongUsage(f"dump what? One of {', '.join(known)}{closest(word, known)}")
    (what,) = given.arguments
    if what == "openapi" and not given.given("port") and not discovery.running():
        _print(Bundled().openapi())
        return 0
    connection = Connection(server(given))
    try:
        found = connection.get(_PATHS[what])
    finally:
        connection.close()
    if what == "logstore":
        found = found["LogStore"]
    elif what == "engine":
        found.pop("LogStore", None)
    _print(found)
    return 0


def _print(document: object) -> None:
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
