"""Tell what a kind and its fields mean."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from upright.client.cli import discovery
from upright.client.cli.asked import SERVER_FLAGS, environment, server
from upright.client.cli.bundled import Bundled
from upright.client.cli.connection import Connection
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.kinds import Kinds
from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from types import ModuleType

    from upright.client.cli.connection import Asking
    from upright.client.cli.flags import Given

_TOPICS = "upright.client.cli.topics"


def command() -> Command:
    """Return what help says."""
    return Command(
        "explain",
        "Tells what a kind and its fields mean (or a failure card's rule), as the server says it; where none runs, as this version has it.",
        "upright explain TYPE[.FIELD[.FIELD …]] | rule [RULE]",
        "upright explain session\n"
        "upright explain session.status.verdict\n"
        "upright explain resource.spec --recursive\n"
        "upright explain cmd --api-version=tilt.dev/v1alpha1\n"
        "upright explain rule crash-loop        # what a failure card's rule means",
        (
            Flag("recursive", "all fields, those inside them too, by name only"),
            Flag("api-version", "the group and version of the kind, as in tilt.dev/v1alpha1", "VERSION"),
            Flag("output", "plaintext, the only one there is", "FORMAT", choices=("", "plaintext"), hidden=True),
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Print it."""
    given = parse(command(), arguments, environment())
    if not given.arguments:
        raise WrongUsage('say what: a kind, as in "upright explain session"; "upright api-resources" lists them')
    word, *rest = given.arguments
    if (topic := _topic(word)) is not None:
        sys.stdout.write(str(topic.explained(rest)))
        return 0
    if rest:
        raise WrongUsage(f'one at a time: "{word}" or "{rest[0]}"')
    if not given.given("port") and not discovery.running():
        sys.stdout.write(_kind(given, word, Bundled()))
        return 0
    connection = Connection(server(given))
    try:
        sys.stdout.write(_kind(given, word, connection))
    finally:
        connection.close()
    return 0


def _topic(word: str) -> ModuleType | None:
    """Return the module that tells of something else than kinds."""
    name = f"{_TOPICS}.{word}"
    if not word.isidentifier() or word.startswith("_"):
        return None
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def _kind(given: Given, word: str, asking: Asking) -> str:
    from upright.client.cli.layouts.schema import Asked, explained  # noqa: PLC0415  reason: mistakes need it not

    name, *path = word.split(".")
    if "" in path:
        raise WrongUsage(f'"{word}" has an empty part: TYPE.FIELD.FIELD')
    kind = Kinds(asking).one(name)
    wanted = given.text("api-version")
    if wanted and wanted != kind.version:
        raise WrongUsage(f"the server has {kind.kind} in {kind.version}, not in {wanted}")
    group, _, version = kind.version.rpartition("/")
    document = asking.get(f"/openapi/v3/{'apis' if group else 'api'}/{kind.version}")
    schemas = (document.get("components") or {}).get("schemas") or {}
    return explained(Asked(group, version, kind.kind, tuple(path)), schemas, recursive=given.on("recursive"))
