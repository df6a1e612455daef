"""What ``get`` and ``describe`` are asked for, and the server it is asked of."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from upright.client.cli import discovery
from upright.client.cli.flags import Flag
from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.client.cli.discovery import Server
    from upright.client.cli.flags import Given

SERVER_FLAGS = (
    Flag("port", "port of the server", "PORT", variables=("UPRIGHT_PORT", "TILT_PORT")),
    Flag("host", "host of the server", "HOST", default="localhost", variables=("UPRIGHT_HOST", "TILT_HOST")),
)
SELECTOR_FLAGS = (
    Flag("selector", "only objects with these labels, as in app=web,tier!=db", "LABELS", short="l"),
    Flag("field-selector", "only objects with these fields, as in metadata.name=web", "FIELDS"),
)


class Wanted(NamedTuple):
    """Objects of one kind, as a person calls it; without names all of them."""

    word: str
    names: tuple[str, ...] = ()


def server(given: Given) -> Server:
    """Return the server that is meant. Raises CannotTell."""
    port = (given.number("port", 0, 65535) if given.given("port") else 0) or None  # 0, as for a run: any
    return discovery.choose(discovery.running(), Path.cwd(), host=given.text("host"), port=port)


def wanted(given: Given, arguments: Sequence[str] | None = None) -> list[Wanted]:
    """Read ``TYPE[,TYPE] [NAME …]`` or ``TYPE/NAME …`` (of the line's arguments, unless said), or files. Raises WrongUsage."""
    words = given.arguments if arguments is None else list(arguments)
    if given.knows("filename") and given.many("filename"):
        return _in_files(given, words)
    if not words:
        raise WrongUsage("say what: session, resource, cluster or another kind, as in TYPE, TYPE NAME or TYPE/NAME")
    if any("/" in word for word in words):
        found = [_slashed(word) for word in words]
    else:
        found = [Wanted(word, tuple(words[1:])) for word in words[0].split(",") if word]
    selects = given.knows("selector") and (given.text("selector") or given.text("field-selector"))
    if selects and any(one.names for one in found):
        raise WrongUsage("names and selectors exclude each other: leave one of them out")
    return found


def _in_files(given: Given, words: Sequence[str]) -> list[Wanted]:
    from upright.client.cli.manifests import given_objects  # noqa: PLC0415  reason: most lines name no file

    if words or given.text("selector") or given.text("field-selector"):
        raise WrongUsage("objects are named by -f, by words or by selectors: leave all but one out")
    names: dict[str, list[str]] = {}
    for body in given_objects(given):
        name, group = body["metadata"].get("name"), str(body["apiVersion"]).rpartition("/")[0]
        if not name:
            raise WrongUsage(f"a {body['kind']} has no metadata.name")
        names.setdefault(f"{body['kind']}.{group}".rstrip("."), []).append(str(name))
    return [Wanted(word, tuple(of_kind)) for word, of_kind in names.items()]


def query(given: Given, **more: str) -> str:
    """Return the query that a list with these selectors takes."""
    from urllib.parse import urlencode  # noqa: PLC0415  reason: most questions have none

    asked = {"labelSelector": given.text("selector"), "fieldSelector": given.text("field-selector")}
    if "fieldSelector" in more and asked["fieldSelector"]:
        more["fieldSelector"] = f"{asked['fieldSelector']},{more['fieldSelector']}"
    asked |= more
    said = {name: value for name, value in asked.items() if value}
    return f"?{urlencode(said)}" if said else ""


def _slashed(word: str) -> Wanted:
    kind, slash, name = word.partition("/")
    if not slash or not kind or not name or "/" in name:
        raise WrongUsage(f'"{word}": TYPE/NAME cannot be mixed with other ways to name objects')
    return Wanted(kind, (name,))


def environment() -> dict[str, str]:
    """Return the variables that stand for flags."""
    return dict(os.environ)
