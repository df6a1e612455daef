"""Have resources updated again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from upright.client.cli.asked import SERVER_FLAGS, environment, server
from upright.client.cli.clock import utc_now
from upright.client.cli.connection import Connection
from upright.client.cli.flags import Command, parse
from upright.client.cli.resources import is_off, require, resources
from upright.client.cli.troubles import Trouble, WrongUsage

if TYPE_CHECKING:
    from upright.client.cli.connection import Json

_API = "/apis/tilt.dev/v1alpha1"
_MERGE = "application/merge-patch+json"


def command() -> Command:
    """Return what help says."""
    return Command(
        "trigger",
        "Has resources updated again: their commands run, their images are built, their Jobs, Deployments, pods and containers\n"
        "are made anew.\n\n"
        "What does not begin by itself (auto_init=False) begins; '(Tiltfile)' executes the Tiltfile again.",
        "upright trigger RESOURCE …",
        "upright trigger web\nupright trigger migrate smoke\nupright trigger '(Tiltfile)'",
        SERVER_FLAGS,
    )


def run(arguments: list[str]) -> int:
    """Trigger each; none is, if one cannot be."""
    given = parse(command(), arguments, environment())
    if not given.arguments:
        raise WrongUsage("say which resource: upright trigger RESOURCE")
    connection = Connection(server(given))
    try:
        known = resources(connection)
        require(given.arguments, known)
        for name in given.arguments:
            if is_off(known[name]):
                raise Trouble(f'resource "{name}" is currently disabled: "upright enable {name}" switches it on')
        for name in given.arguments:
            _trigger(connection, known[name])
            sys.stdout.write(f'Successfully triggered update for resource: "{name}"\n')
    finally:
        connection.close()
    return 0


def _trigger(connection: Connection, resource: Json) -> None:
    from urllib.parse import quote  # noqa: PLC0415  reason: only here

    when = f"{utc_now().isoformat(timespec='microseconds')[:26]}Z"
    if resource["spec"]["kind"] == "tiltfile":
        plural, notes = "tiltfiles", {"tilt.dev/cause": when}
    else:
        plural, notes = "resources", {"tilt.dev/trigger": when, "tilt.dev/trigger-reason": "CLI Trigger"}
    path = f"{_API}/{plural}/{quote(resource['metadata']['name'], safe='')}?fieldManager=upright-trigger"
    connection.send("PATCH", path, {"metadata": {"annotations": notes}}, content_type=_MERGE)
