"""Make a Cmd: a command that runs once, or on file changes."""

from __future__ import annotations

from pathlib import Path

from upright.client.cli.asked import SERVER_FLAGS
from upright.client.cli.changing import DRY_RUN, OUTPUT, Change
from upright.client.cli.commands.create import create
from upright.client.cli.flags import Command, Flag
from upright.client.cli.troubles import WrongUsage


def command() -> Command:
    """Return what help says."""
    return Command(
        "create cmd",
        "Makes a Cmd, which runs at once.",
        "upright create cmd NAME COMMAND [ARGUMENT …]",
        "upright create cmd hello echo 'hello world'\nupright create cmd lint --filewatch=sources -- make lint",
        (
            Flag("workdir", "folder to run it in; this one unless said", "PATH", short="w"),
            Flag("env", "NAME=VALUE for its environment; may be repeated", "NAME=VALUE", short="e", many=True),
            Flag("filewatch", "run it again when this FileWatch sees a change; may be repeated", "NAME", many=True),
            OUTPUT,
            DRY_RUN,
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Make it."""
    with Change(command(), arguments) as change:
        given = change.given
        if len(given.arguments) < 2:
            raise WrongUsage("a name and a command are needed, as in create cmd hello echo hello")
        spec: dict[str, object] = {
            "args": given.arguments[1:],
            "dir": str(Path(given.text("workdir") or ".").absolute()),
        }
        if env := given.many("env"):
            spec["env"] = list(env)
        if watches := given.many("filewatch"):
            spec["restartOn"] = {"fileWatches": list(watches)}
        create(
            change,
            {"apiVersion": "tilt.dev/v1alpha1", "kind": "Cmd", "metadata": {"name": given.arguments[0]}, "spec": spec},
        )
    return 0
