"""Make a FileWatch: files and folders whose changes are told."""

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
        "create filewatch",
        "Makes a FileWatch.",
        "upright create filewatch NAME PATH …",
        "upright create filewatch sources ./src ./web --ignore=./web/node_modules",
        (Flag("ignore", "a path to leave out; may be repeated", "PATH", many=True), OUTPUT, DRY_RUN, *SERVER_FLAGS),
    )


def run(arguments: list[str]) -> int:
    """Make it."""
    with Change(command(), arguments) as change:
        name, *paths = change.given.arguments or [""]
        if not paths:
            raise WrongUsage("a name and paths are needed, as in create filewatch sources ./src")
        spec: dict[str, object] = {"watchedPaths": [str(Path(one).absolute()) for one in paths]}
        if ignored := change.given.many("ignore"):
            spec["ignores"] = [{"basePath": str(Path(one).absolute())} for one in ignored]
        create(
            change, {"apiVersion": "tilt.dev/v1alpha1", "kind": "FileWatch", "metadata": {"name": name}, "spec": spec}
        )
    return 0
