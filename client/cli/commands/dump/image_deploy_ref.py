"""Print the name under which a run deploys an image."""

from __future__ import annotations

from importlib import import_module

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, parse
from upright.client.cli.troubles import WrongUsage

_ENTRY_POINT = "upright.deploy_ref"


def command() -> Command:
    """Return what help says."""
    return Command(
        "dump image-deploy-ref",
        "Prints the name under which a run deploys an image that the engine has: its repository, and a tag made of what is\n"
        "in it. For the commands of custom_build, which have built $EXPECTED_REF.",
        "upright dump image-deploy-ref REF",
        "upright dump image-deploy-ref $EXPECTED_REF",
    )


def run(arguments: list[str]) -> int:
    """Print it."""
    given = parse(command(), arguments, environment())
    if len(given.arguments) != 1:
        raise WrongUsage("say one image, as in upright dump image-deploy-ref $EXPECTED_REF")
    return int(import_module(_ENTRY_POINT).deploy_ref(given.arguments[0]))
