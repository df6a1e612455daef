"""Switch resources off: their processes end, what they deployed is deleted."""

from __future__ import annotations

from upright.client.cli.asked import SERVER_FLAGS, environment, server
from upright.client.cli.connection import Connection
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.switching import check, switch


def command() -> Command:
    """Return what help says."""
    return Command(
        "disable",
        "Switches resources off: their processes end, what they deployed is deleted.",
        "upright disable RESOURCE … | -l LABELS | --all",
        "upright disable web db\nupright disable -l backend\nupright disable --all",
        (
            Flag("labels", "resources with any of these labels", "LABELS", short="l", many=True),
            Flag("all", "all resources"),
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Switch them off."""
    given = parse(command(), arguments, environment())
    check(given)
    connection = Connection(server(given))
    try:
        switch(connection, given, on=False)
    finally:
        connection.close()
    return 0
