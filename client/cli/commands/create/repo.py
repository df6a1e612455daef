"""Make an ExtensionRepo: where extensions come from."""

from __future__ import annotations

from upright.client.cli.asked import SERVER_FLAGS
from upright.client.cli.changing import DRY_RUN, OUTPUT, Change
from upright.client.cli.commands.create import create
from upright.client.cli.flags import Command, Flag
from upright.client.cli.troubles import WrongUsage


def command() -> Command:
    """Return what help says."""
    return Command(
        "create repo",
        "Makes an ExtensionRepo.",
        "upright create repo NAME URL",
        "upright create repo mine https://github.com/me/extensions --ref=v1\nupright create repo here file:///src/extensions",
        (Flag("ref", "a branch, tag or commit", "REF"), OUTPUT, DRY_RUN, *SERVER_FLAGS),
    )


def run(arguments: list[str]) -> int:
    """Make it."""
    with Change(command(), arguments) as change:
        if len(change.given.arguments) != 2:
            raise WrongUsage("a name and a URL are needed, as in create repo mine https://github.com/me/extensions")
        name, url = change.given.arguments
        spec: dict[str, object] = {"url": url}
        if ref := change.given.text("ref"):
            spec["ref"] = ref
        create(
            change,
            {"apiVersion": "tilt.dev/v1alpha1", "kind": "ExtensionRepo", "metadata": {"name": name}, "spec": spec},
        )
    return 0
