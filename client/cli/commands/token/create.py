"""Make a token, and print it."""

from __future__ import annotations

import sys
from contextlib import closing

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.token_server import FLAGS, PATH, connected
from upright.client.cli.troubles import WrongUsage


def command() -> Command:
    """Return what help says."""
    return Command(
        "token create",
        "Makes a token for a shared server and prints it: this once, for only its hash is stored.",
        "upright token create NAME [flags]",
        "upright token create dashboard\nupright token create ci --scope=admin --expires-after=720h",
        (
            Flag(
                "scope",
                "what it may do: reader, or admin (every write)",
                "SCOPE",
                default="reader",
                choices=("reader", "admin"),
            ),
            Flag("expires-after", "how long it is good, as in 720h; for ever unless said", "DURATION"),
            *FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Make it."""
    given = parse(command(), arguments, environment())
    if len(given.arguments) != 1:
        raise WrongUsage("say one name for the token: upright token create NAME")
    body = {"name": given.arguments[0], "scope": given.text("scope")}
    if lasts := given.text("expires-after"):
        body["expiresAfter"] = lasts
    with closing(connected(given)) as connection:
        made = connection.send("POST", PATH, body)
    sys.stdout.write(f"{made['token']}\n")
    return 0
