"""Serve the verbs and failure cards to agents, over the Model Context Protocol."""

from __future__ import annotations

from upright.client.cli.asked import SERVER_FLAGS, environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.troubles import Trouble, WrongUsage


def command() -> Command:
    """Return what help says."""
    return Command(
        "mcp",
        "Serves the verbs to an agent or editor over the Model Context Protocol, on stdin and stdout: verdict and failure\n"
        "cards, get, describe, logs, wait; with --allow-writes also those that change things.\n\n"
        "The server that is meant is looked for anew with each call, from this directory. Needs pip install 'upright[mcp]'.",
        "upright mcp [--allow-writes]",
        'upright mcp\nupright mcp --allow-writes\n{"mcpServers": {"upright": {"command": "upright", "args": ["mcp"]}}}',
        (
            Flag("allow-writes", "offer trigger, enable, disable, args, apply, patch and delete too"),
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Serve until stdin ends."""
    given = parse(command(), arguments, environment())
    if given.arguments:
        raise WrongUsage(f"mcp takes no arguments: {given.arguments[0]}")
    target: list[str] = []
    if given.given("port"):
        target = [f"--port={given.number('port', 1, 65535)}", f"--host={given.text('host')}"]
    try:
        from upright.client.mcp_server import serve  # noqa: PLC0415  reason: it needs the package mcp
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        raise Trouble("upright mcp needs the package mcp, which is not here: pip install 'upright[mcp]'") from error
    serve(target, writes=given.on("allow-writes"))
    return 0
