"""Labels and annotations: ``label`` and ``annotate`` differ in little but the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.asked import SERVER_FLAGS
from upright.client.cli.changing import DRY_RUN, MERGE, OUTPUT, SELECTORS, Change
from upright.client.cli.flags import Command, Flag
from upright.client.cli.manifests import FILE_FLAGS
from upright.client.cli.troubles import Trouble, WrongUsage

if TYPE_CHECKING:
    from upright.client.cli.connection import Json

_FLAGS = (
    Flag("overwrite", "also where there is another value"),
    Flag("list", "print what there is"),
    *FILE_FLAGS,
    *SELECTORS,
    OUTPUT,
    DRY_RUN,
    *SERVER_FLAGS,
)


def command_of(name: str, field: str, examples: str) -> Command:
    """Return what help says."""
    usage = f"upright {name} TYPE NAME … | TYPE/NAME … NAME=VALUE … NAME- …"
    return Command(name, f"Sets {field} of objects, or takes them away (NAME-).", usage, examples, _FLAGS)


def mark(command: Command, field: str, done: str, arguments: list[str]) -> int:
    """Set and take away. Raises WrongUsage, or Trouble for a value that is not to be overwritten."""
    with Change(command, arguments) as change:
        words = [word for word in change.given.arguments if not _is_mark(word)]
        wanted = _marks([word for word in change.given.arguments if _is_mark(word)])
        if not wanted and not change.given.on("list"):
            raise WrongUsage(f"say which {field}, as in app=web, or app- to take it away")
        for one in change.chosen(words):
            body = change.connection.get(one.kind.of(one.name), free=one.kind.free)
            if change.given.on("list"):
                _list(body, field)
            else:
                _set(change, one.kind.of(one.name), body, (field, wanted, done))
    return 0


def _list(body: Json, field: str) -> None:
    import sys  # noqa: PLC0415  reason: only here

    found = body["metadata"].get(field) or {}
    sys.stdout.write("".join(f"{name}={value}\n" for name, value in sorted(found.items())))


def _set(change: Change, path: str, body: Json, what: tuple[str, dict[str, str | None], str]) -> None:
    field, wanted, done = what
    there: dict[str, str] = body["metadata"].get(field) or {}
    if not change.given.on("overwrite"):
        for name, value in wanted.items():
            if value is not None and there.get(name, value) != value:
                raise Trouble(f"{name} has the value {there[name]!r} already: --overwrite replaces it")
    new = {name: value for name, value in wanted.items() if there.get(name) != value}
    if not new:
        change.say(body, f"not {done}")
        return
    if change.given.text("dry-run") != "client":
        body = change.connection.send("PATCH", path + change.asked(), {"metadata": {field: new}}, content_type=MERGE)
    gone = all(value is None for value in new.values())
    change.say(body, f"un{done}" if gone and field == "labels" else done)


def _is_mark(word: str) -> bool:
    return "=" in word or word.endswith("-")


def _marks(words: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for word in words:
        name, equals, value = word.partition("=")
        found[name if equals else name.removesuffix("-")] = value if equals else None
    return found
