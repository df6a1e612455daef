"""Bring objects into the state that files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.asked import SERVER_FLAGS
from upright.client.cli.changing import DRY_RUN, OUTPUT, Change
from upright.client.cli.flags import Command, Flag
from upright.client.cli.manifests import FILE_FLAGS, given_objects
from upright.client.cli.troubles import NotThere

if TYPE_CHECKING:
    from upright.client.cli.connection import Json

_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_IGNORED = "taken as kubectl takes it: every apply here is the server's, and forces"


def command() -> Command:
    """Return what help says."""
    return Command(
        "apply",
        "Brings objects into the state that files say; what is not there is made, fields that a file left out since the\n"
        "last apply are taken away.",
        "upright apply -f FILE",
        "upright apply -f button.yaml\ncat objects.json | upright apply -f - --dry-run=server",
        (
            *FILE_FLAGS,
            OUTPUT,
            DRY_RUN,
            Flag("field-manager", "the name under which fields are owned", "NAME", default="upright"),
            Flag("server-side", _IGNORED, hidden=True),
            Flag("force-conflicts", _IGNORED, hidden=True),
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Apply each object; the first that is refused ends it."""
    with Change(command(), arguments) as change:
        for body in given_objects(change.given):
            if change.given.text("dry-run") == "client":
                change.say(body, "configured")
            else:
                _apply(change, body)
    return 0


def _apply(change: Change, body: Json) -> None:
    kind = change.kinds.of_object(body)
    path = kind.of(str(body["metadata"]["name"]))
    try:
        before = change.connection.get(path, free=kind.free)["metadata"]["resourceVersion"]
    except NotThere:
        before = ""
    asked = f"{change.asked() or '?'}&fieldManager={change.given.text('field-manager')}&force=true".replace("?&", "?")
    after = change.connection.send("PATCH", path + asked, body, content_type=_APPLY)
    same = after["metadata"].get("resourceVersion") == before
    change.say(after, "unchanged" if same else "configured" if before else "created")
