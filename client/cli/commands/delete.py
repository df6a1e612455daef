"""Delete objects."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING

from upright.client.cli.asked import SERVER_FLAGS
from upright.client.cli.changing import DRY_RUN, SELECTORS, Change
from upright.client.cli.durations import seconds
from upright.client.cli.flags import Command, Flag
from upright.client.cli.manifests import FILE_FLAGS
from upright.client.cli.troubles import NotThere, OutOfTime

if TYPE_CHECKING:
    from upright.client.cli.changing import Chosen

_CASCADE = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
_LONG_SECONDS = 7 * 86400.0


def command() -> Command:
    """Return what help says."""
    return Command(
        "delete",
        "Deletes objects, and waits until they are gone. What they own goes with them.",
        "upright delete TYPE NAME … | TYPE/NAME … | TYPE --all | -f FILE",
        "upright delete cmd smoke\nupright delete uibutton -l app=web\nupright delete -f button.yaml --ignore-not-found",
        (
            *FILE_FLAGS,
            *SELECTORS,
            Flag("ignore-not-found", "exit 0 where there is no such object"),
            Flag("wait", "wait until they are gone", default="true"),
            Flag("timeout", "how long to wait; 0: as long as it takes", "DURATION", default="0"),
            Flag(
                "cascade",
                "what becomes of what they own: background, foreground, orphan",
                "HOW",
                default="background",
                choices=tuple(_CASCADE),
            ),
            Flag("output", "name: print nothing but what was deleted", "FORMAT", short="o", choices=("name",)),
            DRY_RUN,
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Delete; what is not there is told, and the others go on."""
    missing = False
    with Change(command(), arguments) as change:
        gone: list[Chosen] = []
        limit = seconds(change.given, "timeout") or _LONG_SECONDS
        chosen = change.chosen()
        for one in chosen:
            try:
                _delete(change, one)
                gone.append(one)
            except NotThere as error:
                if not change.given.on("ignore-not-found"):
                    missing = True
                    sys.stderr.write(f"Error: {error}\n")
        if not chosen:
            sys.stderr.write("No objects found.\n")
        if change.given.on("wait") and change.given.text("dry-run") == "none":
            deadline = monotonic() + limit
            for one in gone:
                _until_gone(change, one, deadline)
    return 1 if missing else 0


def _delete(change: Change, one: Chosen) -> None:
    dry = change.given.text("dry-run")
    path = one.kind.of(one.name)
    if dry == "client":
        change.connection.get(path, free=one.kind.free)
    else:
        options = {"propagationPolicy": _CASCADE[change.given.text("cascade")]}
        change.connection.send("DELETE", path + change.asked(), options)
    said = {"none": "", "client": " (dry run)", "server": " (server dry run)"}[dry]
    if change.given.text("output") == "name":
        sys.stdout.write(f"{one.kind.full}/{one.name}\n")
    else:
        sys.stdout.write(f'{one.kind.full} "{one.name}" deleted{said}\n')
    sys.stdout.flush()


def _until_gone(change: Change, one: Chosen, deadline: float) -> None:
    """Wait for the object's end: whatever has the name later is another."""
    kind, connection = one.kind, change.connection
    selected = f"?fieldSelector=metadata.name%3D{kind.of(one.name).rpartition('/')[2]}"
    listed = connection.get(kind.path + selected, free=kind.free)
    if not listed.get("items"):
        return
    since = listed["metadata"]["resourceVersion"]
    left = deadline - monotonic()
    try:
        for event in connection.stream(
            f"{kind.path}{selected}&watch=1&resourceVersion={since}", free=kind.free, seconds=max(left, 0.001)
        ):
            if event["type"] == "DELETED":
                return
            connection.patience(max(deadline - monotonic(), 0.001))
    except TimeoutError:
        held = ", ".join(listed["items"][0]["metadata"].get("finalizers") or ())
        raise OutOfTime(
            f"timed out waiting for the end of {kind.full}/{one.name}{f': held by its finalizers {held}' if held else ''}"
        ) from None
