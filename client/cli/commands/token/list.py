"""List the tokens of a shared server."""

from __future__ import annotations

import sys
from contextlib import closing

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.output.widths import line, widths
from upright.client.cli.token_server import FLAGS, PATH, connected
from upright.client.cli.troubles import WrongUsage

_HEAD = ["NAME", "SCOPE", "CREATED", "EXPIRES"]


def command() -> Command:
    """Return what help says."""
    return Command(
        "token list",
        "Lists the tokens of a shared server: names, scopes and dates, never the tokens themselves.",
        "upright token list [flags]",
        "upright token list\nupright token list -o json --kubeconfig ./kubeconfig",
        (Flag("output", "json; a table unless said", "FORMAT", short="o", choices=("", "json")), *FLAGS),
    )


def run(arguments: list[str]) -> int:
    """List them."""
    given = parse(command(), arguments, environment())
    if given.arguments:
        raise WrongUsage("token list takes no arguments")
    with closing(connected(given)) as connection:
        items = connection.get(PATH).get("items") or []
    if given.text("output") == "json":
        import json  # noqa: PLC0415  reason: only where used

        sys.stdout.write(json.dumps({"items": items}, indent=2, ensure_ascii=False) + "\n")
        return 0
    rows = [[str(one.get(key) or "never") for key in ("name", "scope", "created", "expires")] for one in items]
    columns = widths([_HEAD, *rows])
    sys.stdout.write("".join(line(row, columns) for row in (_HEAD, *rows)))
    return 0
