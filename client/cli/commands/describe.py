"""Tell all about objects: what a session waits for and why, what failed."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from upright.client.cli.asked import SELECTOR_FLAGS, SERVER_FLAGS, environment, query, server, wanted
from upright.client.cli.clock import utc_now
from upright.client.cli.connection import Connection
from upright.client.cli.flags import Command, parse
from upright.client.cli.kinds import Kinds
from upright.client.cli.manifests import FILE_FLAGS
from upright.client.cli.troubles import NotThere

if TYPE_CHECKING:
    from datetime import datetime

    from upright.client.cli.connection import Json
    from upright.client.cli.flags import Given
    from upright.client.cli.kinds import KindPath

_LAYOUTS = {"session.tilt.dev": "session", "resource.tilt.dev": "resource", "cluster.tilt.dev": "cluster"}
"""The kinds with a layout of their own, a module each; the others are laid out field by field."""


def command() -> Command:
    """Return what help says."""
    return Command(
        "describe",
        "Tells all about objects: of a session what it waits for and why, longest first, and what failed.",
        "upright describe TYPE [NAME …] | TYPE/NAME … | -f FILE",
        "upright describe session\nupright describe resource web\nupright describe cmd/smoke",
        (*FILE_FLAGS, *SELECTOR_FLAGS, *SERVER_FLAGS),
    )


def run(arguments: list[str]) -> int:
    """Print what is asked for."""
    given = parse(command(), arguments, environment())
    asked = wanted(given)
    connection = Connection(server(given))
    try:
        kinds = Kinds(connection)
        texts = [
            _text(connection, kind, body, utc_now())
            for want in asked
            for kind in kinds.find(want.word)
            for body in _bodies(connection, given, kind, want.names)
        ]
    finally:
        connection.close()
    sys.stdout.write("\n\n".join(texts))
    if not texts:
        sys.stderr.write("No objects found.\n")
    return 0


def _bodies(connection: Connection, given: Given, kind: KindPath, names: tuple[str, ...]) -> list[Json]:
    if not names:
        return _items(connection.get(kind.path + query(given), free=kind.free))
    return [body for name in names for body in _named(connection, kind, name)]


def _named(connection: Connection, kind: KindPath, name: str) -> list[Json]:
    """Return the object of a name, else those whose names begin with it, as kubectl does."""
    try:
        return [connection.get(kind.of(name), free=kind.free)]
    except NotThere:
        listed = _items(connection.get(kind.path, free=kind.free))
        if found := [body for body in listed if str(body["metadata"]["name"]).startswith(name)]:
            return found
        raise


def _text(connection: Connection, kind: KindPath, body: Json, now: datetime) -> str:
    layout = import_module(f"upright.client.cli.layouts.{_LAYOUTS.get(kind.full, 'fields')}")
    if kind.full == "session.tilt.dev":
        resources = _items(connection.get("/apis/resource", free=True))
        return str(layout.described(body, now, resources))
    return str(layout.described(body, now))


def _items(listed: Json) -> list[Json]:
    items: list[Json] = listed.get("items") or []
    return items
