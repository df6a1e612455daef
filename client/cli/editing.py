"""One object in an editor, until what was made of it is taken, or given up; what was typed is never lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from upright.client.cli.editor import scratch
from upright.client.cli.manifests import read_objects
from upright.client.cli.output.documents import document, without_managers
from upright.client.cli.troubles import Trouble, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from upright.client.cli.connection import Json
    from upright.client.cli.editor import Editor
    from upright.client.cli.output.documents import Format

_HEAD = """# Edit the object below. Lines that begin with # are ignored, and an empty file ends it without a change.
# If something is wrong with what you leave, this opens again and says what.
#
"""


class Edited(NamedTuple):
    """How it ended: the object as it is now, or None and why nothing was changed."""

    body: Json | None
    why: str = ""


class Editing:
    """Edits objects; ``send`` gets an object as it was and a merge patch, and returns what has become of it."""

    def __init__(self, editor: Editor, form: Format, send: Callable[[Json, Json], Json]) -> None:
        self._editor = editor
        self._form: Format = form
        self._send = send

    def edit(self, body: Json, *, managers: bool = False) -> Edited:
        """Have it edited. Raises Trouble, which says where a copy is of what was typed."""
        before = body if managers else without_managers(body)
        text, said = document(before, self._form), ""
        name = str(before["metadata"]["name"]).replace("/", "-")
        path = scratch(f"{name[:40]}.{self._form}")
        opened = text
        while True:
            left = self._left(path, said, text)
            if not left.strip() or left == opened:
                path.unlink()
                return Edited(None, "no changes were made" if left.strip() else "the file was left empty")
            if said and left == text:
                raise Trouble(f"nothing was changed, for it was left as it was refused: {said}{_copy(path)}")
            text = left
            try:
                patch = _patch(before, _read(left, path))
                after = self._send(before, patch) if patch else None
            except (WrongUsage, Trouble) as error:
                if error.code not in {1, 2}:
                    raise type(error)(f"{error}{_copy(path)}") from error
                if not self._editor.asks:
                    raise Trouble(f"{error}{_copy(path)}") from error
                said = str(error)
                continue
            path.unlink()
            return Edited(after, "" if after else "no changes were made")

    def _left(self, path: Path, said: str, text: str) -> str:
        """Return what was left in the editor, without the comments."""
        why = "".join(f"# {line}\n" for line in ["It was not taken:", *said.splitlines()]) + "#\n" if said else ""
        try:
            found = self._editor.edited(f"{_HEAD}{why}{text}", path)
        except Trouble as error:
            if not said:
                path.unlink(missing_ok=True)
                raise
            raise Trouble(f"{error}{_copy(path)}") from error
        return "".join(line for line in found.splitlines(keepends=True) if not line.startswith("#"))


def _copy(path: Path) -> str:
    return f"\nA copy of what you typed is in {path}"


def _read(text: str, path: Path) -> Json:
    """Return the only object of the text. Raises WrongUsage."""
    found = read_objects(text, path.name)
    if len(found) != 1:
        raise WrongUsage(f"there are {len(found)} objects: leave the one that is edited")
    return found[0]


def _patch(before: Json, after: Json) -> Json:
    """Return the merge patch that leads from one to the other. Raises WrongUsage for another object."""
    for path in (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")):
        if (had := _at(before, path)) != (has := _at(after, path)):
            raise WrongUsage(f"{'.'.join(path)} cannot be changed from {had} to {has}: make another object of it")
    return _difference(before, after)


def _difference(before: Json, after: Json) -> Json:
    patch: Json = dict.fromkeys(before.keys() - after.keys())
    for name, value in after.items():
        had = before.get(name)
        if isinstance(had, dict) and isinstance(value, dict):
            if inner := _difference(had, value):
                patch[name] = inner
        elif name not in before or json.dumps(had, sort_keys=True) != json.dumps(value, sort_keys=True):
            patch[name] = value
    return patch


def _at(body: Json, path: tuple[str, ...]) -> Any:  # noqa: ANN401  reason: any JSON value
    here: Any = body
    for step in path:
        here = here.get(step) if isinstance(here, dict) else None
    return here
