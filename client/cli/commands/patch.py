"""Change fields of objects."""

from __future__ import annotations

import json
from typing import Any

from upright.client.cli.asked import SERVER_FLAGS
from upright.client.cli.changing import DRY_RUN, OUTPUT, Change
from upright.client.cli.flags import Command, Flag
from upright.client.cli.manifests import FILE_FLAGS
from upright.client.cli.troubles import WrongUsage

_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


def command() -> Command:
    """Return what help says."""
    return Command(
        "patch",
        "Changes fields of objects: a merge patch has the new values (null takes away), a json patch is a list of steps.",
        "upright patch TYPE NAME … | TYPE/NAME … | -f FILE -p PATCH",
        'upright patch resource web -p \'{"metadata":{"annotations":{"seen":"yes"}}}\'\n'
        'upright patch cm/web-disable --type=json -p \'[{"op":"replace","path":"/data/isDisabled","value":"true"}]\'',
        (
            Flag("patch", "the patch, as JSON or YAML", "PATCH", short="p"),
            Flag("patch-file", "a file with the patch", "PATH"),
            Flag(
                "type",
                "what kind of patch: merge, json or strategic (which no kind of ours takes)",
                "TYPE",
                default="merge",
                choices=tuple(_TYPES),
            ),
            Flag("subresource", "change this part: status", "NAME", choices=("", "status")),
            *FILE_FLAGS,
            OUTPUT,
            DRY_RUN,
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Patch each object."""
    with Change(command(), arguments) as change:
        given = change.given
        patch = _patch(given.text("patch"), given.text("patch-file"))
        if isinstance(patch, list) != (given.text("type") == "json"):
            raise WrongUsage(
                f"a {given.text('type')} patch is {'a list' if given.text('type') == 'json' else 'an object'}, not {json.dumps(patch)[:60]}"
            )
        below = f"/{given.text('subresource')}" if given.text("subresource") else ""
        for one in change.chosen():
            path = one.kind.of(one.name)
            before = change.connection.get(path, free=one.kind.free)
            if given.text("dry-run") == "client":
                change.say(before, "patched")
                continue
            after = change.connection.send(
                "PATCH", path + below + change.asked(), patch, content_type=_TYPES[given.text("type")]
            )
            same = after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
            change.say(after, "patched (no change)" if same else "patched")
    return 0


def _patch(text: str, file: str) -> Any:  # noqa: ANN401  reason: any JSON value
    if bool(text) == bool(file):
        raise WrongUsage("say what to change, with either -p or --patch-file")
    if file:
        from pathlib import Path  # noqa: PLC0415  reason: rarely asked for

        try:
            text = Path(file).read_text(encoding="utf-8")
        except OSError as error:
            raise WrongUsage(f"{file}: {error.strerror}") from error
    try:
        return json.loads(text)
    except ValueError:
        import yaml  # noqa: PLC0415  reason: takes 30 ms; JSON needs none of it

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WrongUsage(f"the patch is neither JSON nor YAML: {error}") from error
    if not isinstance(found, (dict, list)):
        raise WrongUsage(f"the patch is neither JSON nor YAML: {text[:60]}")
    return found
