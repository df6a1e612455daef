"""Revoke tokens of a shared server."""

from __future__ import annotations

import sys
from contextlib import closing

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, parse
from upright.client.cli.token_server import FLAGS, PATH, connected
from upright.client.cli.troubles import WrongUsage


def command() -> Command:
    """Return what help says."""
    return Command(
        "token revoke",
        "Revokes tokens of a shared server: from now on they open nothing.",
        "upright token revoke NAME …",
        "upright token revoke dashboard",
        FLAGS,
    )


def run(arguments: list[str]) -> int:
    """Revoke each."""
    from urllib.parse import quote  # noqa: PLC0415  reason: only where used

    given = parse(command(), arguments, environment())
    if not given.arguments:
        raise WrongUsage("say which token: upright token revoke NAME")
    with closing(connected(given)) as connection:
        for name in given.arguments:
            connection.send("DELETE", f"{PATH}/{quote(name, safe='')}")
            sys.stdout.write(f'Revoked the token "{name}"\n')
    return 0
