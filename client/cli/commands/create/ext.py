"""Make an Extension from a repository of extensions."""

from __future__ import annotations

from upright.client.cli.asked import SERVER_FLAGS
from upright.client.cli.changing import DRY_RUN, OUTPUT, Change
from upright.client.cli.commands.create import create
from upright.client.cli.flags import Command, Flag
from upright.client.cli.troubles import WrongUsage


def command() -> Command:
    """Return what help says."""
    return Command(
        "create ext",
        "Makes an Extension.",
        "upright create ext NAME [-- ARGUMENTS …]",
        "upright create ext cancel\nupright create ext cancel --repo=mine --path=buttons/cancel",
        (
            Flag("repo", "the ExtensionRepo it is in", "NAME", default="default"),
            Flag("path", "its folder in there; its name unless said", "PATH"),
            OUTPUT,
            DRY_RUN,
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Make it."""
    with Change(command(), arguments) as change:
        name, *rest = change.given.arguments or [""]
        if not name:
            raise WrongUsage("a name is needed, as in create ext cancel")
        spec: dict[str, object] = {"repoName": change.given.text("repo"), "repoPath": change.given.text("path") or name}
        if rest:
            spec["args"] = rest
        create(
            change, {"apiVersion": "tilt.dev/v1alpha1", "kind": "Extension", "metadata": {"name": name}, "spec": spec}
        )
    return 0
