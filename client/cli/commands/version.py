"""Print the version."""

from __future__ import annotations

import sys

from upright import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upright.client.cli.flags import Command


def command() -> Command:
    """Return what help says."""
    from upright.client.cli.flags import Command  # noqa: PLC0415  reason: printing the version needs none of it

    return Command("version", "Prints upright's version.", "upright version", "upright version")


def run(arguments: list[str]) -> int:
    """Print the version."""
    if arguments:
        from upright.client.cli.flags import parse  # noqa: PLC0415  reason: as above
        from upright.client.cli.troubles import WrongUsage  # noqa: PLC0415  reason: as above

        if rest := parse(command(), arguments, {}).arguments:
            raise WrongUsage(f'version takes no arguments, not "{rest[0]}"')
    sys.stdout.write(f"v{__version__}\n")
    return 0
