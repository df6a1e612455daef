"""Edit objects in an editor."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from upright.client.cli.asked import SERVER_FLAGS, environment
from upright.client.cli.changing import MERGE, SELECTORS, Change
from upright.client.cli.editing import Editing
from upright.client.cli.editor import Editor
from upright.client.cli.flags import Command, Flag
from upright.client.cli.manifests import FILE_FLAGS
from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from upright.client.cli.changing import Chosen
    from upright.client.cli.connection import Json
    from upright.client.cli.output.documents import Format

_EDITORS = ("KUBE_EDITOR", "EDITOR")


def command() -> Command:
    """Return what help says."""
    return Command(
        "edit",
        "Opens objects in an editor ($KUBE_EDITOR, $EDITOR, else vi), one after another, and changes what was changed there.\n\n"
        "What is refused opens again with the reason on top; what was typed is kept in a file, whatever goes wrong.",
        "upright edit TYPE NAME … | TYPE/NAME … | -f FILE",
        "upright edit configmap web-disable\n"
        "upright edit resource/web -o json\n"
        "KUBE_EDITOR='code --wait' upright edit session\n"
        "upright edit cmd smoke --subresource=status",
        (
            Flag("output", "edit it as: yaml or json", "FORMAT", short="o", default="yaml", choices=("yaml", "json")),
            Flag("subresource", "edit this part: status", "NAME", choices=("", "status")),
            Flag("output-patch", "print the patch that was sent"),
            Flag("show-managed-fields", "with who set which field"),
            Flag("field-manager", "the name under which fields are owned", "NAME", default="upright-edit"),
            *FILE_FLAGS,
            *SELECTORS,
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Have each edited."""
    with Change(command(), arguments) as change:
        given = change.given
        editor = Editor(_EDITORS, environment())
        if len(given.arguments) == 1 and "/" not in given.arguments[0] and not given.many("filename"):
            chosen = _only(change, given.arguments[0])
        else:
            chosen = change.chosen()
        for one in chosen:
            _edit(change, one, editor)
    return 0


def _only(change: Change, word: str) -> list[Chosen]:
    """Return the objects that a kind without a name means: those that are selected, else the only one there is."""
    from upright.client.cli.changing import Chosen  # noqa: PLC0415  reason: type and value

    given = change.given
    if given.on("all") or given.text("selector") or given.text("field-selector"):
        return change.chosen()
    kind = change.kinds.one(word)
    items: list[Json] = change.connection.get(kind.path, free=kind.free).get("items") or []
    names = [str(body["metadata"]["name"]) for body in items]
    if len(names) != 1:
        raise WrongUsage(f"say which: {', '.join(names)}" if names else f"there are no {kind.plural}")
    return [Chosen(kind, names[0])]


def _edit(change: Change, one: Chosen, editor: Editor) -> None:
    given, path = change.given, one.kind.of(one.name)
    below = f"/{given.text('subresource')}" if given.text("subresource") else ""

    def send(before: Json, patch: Json) -> Json:
        if not below and "status" in patch:
            raise WrongUsage("status is not changed with the rest: --subresource=status edits it")
        query = f"?fieldManager={given.text('field-manager')}"
        after = change.connection.send("PATCH", f"{path}{below}{query}", patch, content_type=MERGE)
        if given.on("output-patch"):
            import json  # noqa: PLC0415  reason: rarely asked for

            sys.stdout.write(f"Patch: {json.dumps(patch)}\n")
        del before
        return after

    body = change.connection.get(path, free=one.kind.free)
    form = cast("Format", given.text("output"))  # reason: one of its choices
    edited = Editing(editor, form, send).edit(body, managers=given.on("show-managed-fields"))
    if edited.body is None:
        sys.stderr.write(f"Edit cancelled: {edited.why}.\n")
    else:
        sys.stdout.write(f"{one.kind.full}/{one.name} edited\n")
