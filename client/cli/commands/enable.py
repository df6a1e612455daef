"""Switch resources on."""

from __future__ import annotations

from upright.client.cli.asked import SERVER_FLAGS, environment, server
from upright.client.cli.connection import Connection
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.switching import check, switch


def command() -> Command:
    """Return what help says."""
    return Command(
        "enable",
        "Switches resources on. One that was off begins anew, as if it had never been updated.",
        "upright enable [--only] RESOURCE … | -l LABELS | --all",
        "upright enable web db\n"
        "upright enable --only web              # and switch all others off\n"
        "upright enable -l backend\n"
        "upright enable --all",
        (
            Flag("labels", "resources with any of these labels", "LABELS", short="l", many=True),
            Flag("only", "switch all others off"),
            Flag("all", "all resources"),
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Switch them on."""
    given = parse(command(), arguments, environment())
    check(given)
    connection = Connection(server(given))
    try:
        switch(connection, given, on=True)
    finally:
        connection.close()
    return 0
