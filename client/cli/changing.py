"""What the commands that change objects have in common: what they are asked for, and how they say what they did."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple, Self

from upright.client.cli.asked import SELECTOR_FLAGS, environment, query, server, wanted
from upright.client.cli.connection import Connection
from upright.client.cli.flags import Flag, parse
from upright.client.cli.kinds import Kinds
from upright.client.cli.manifests import given_objects
from upright.client.cli.output.documents import name_of
from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from upright.client.cli.connection import Json
    from upright.client.cli.flags import Command, Given
    from upright.client.cli.kinds import KindPath

MERGE = "application/merge-patch+json"
OUTPUT = Flag(
    "output", "how to print the object: name, yaml, json, jsonpath=…; a line of text unless said", "FORMAT", short="o"
)
DRY_RUN = Flag(
    "dry-run",
    "none, client (ask nothing of the server) or server (it answers, and changes nothing)",
    "WHERE",
    default="none",
    choices=("none", "client", "server"),
)
ALL = Flag("all", "all objects of the kind")
SELECTORS = (*SELECTOR_FLAGS, ALL)


class Chosen(NamedTuple):
    """One object that is to be changed."""

    kind: KindPath
    name: str


class Change:
    """One command line that changes objects, and the server it is about; a context, for the connection is closed."""

    def __init__(self, command: Command, arguments: Sequence[str]) -> None:
        self.given: Given = parse(command, arguments, environment())
        self._connection: Connection | None = None
        self._kinds: Kinds | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.close()

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(server(self.given))
        return self._connection

    @property
    def kinds(self) -> Kinds:
        if self._kinds is None:
            self._kinds = Kinds(self.connection)
        return self._kinds

    def chosen(self, words: Sequence[str] | None = None) -> list[Chosen]:
        """Return what the words name, or the selectors select, or the files hold. Raises WrongUsage."""
        if self._has("filename") and self.given.many("filename"):
            return [Chosen(self.kinds.of_object(body), _name(body)) for body in given_objects(self.given)]
        found: list[Chosen] = []
        for want in wanted(self.given, words):
            for kind in self.kinds.find(want.word):
                found += [Chosen(kind, name) for name in want.names or self._listed(kind)]
        return found

    def _listed(self, kind: KindPath) -> list[str]:
        given = self.given
        if not self._has("all") or not (given.on("all") or given.text("selector") or given.text("field-selector")):
            raise WrongUsage(
                "say which: names, a selector (-l), or --all" if self._has("all") else "say which: names are missing"
            )
        listed = self.connection.get(kind.path + query(given), free=kind.free)
        return [_name(body) for body in listed.get("items") or ()]

    def _has(self, flag: str) -> bool:
        return self.given.knows(flag)

    def asked(self) -> str:
        """Return the query of a request that changes something: whether it is only tried."""
        tried = self._has("dry-run") and self.given.text("dry-run") == "server"
        return "?dryRun=All" if tried else ""

    def say(self, body: Json, done: str) -> None:
        """Print what was done to an object, or the object as it is now."""
        if form := self.given.text("output") if self._has("output") else "":
            from upright.client.cli.output.forms import Settings, is_table, printer  # noqa: PLC0415  reason: rarely asked for

            if is_table(form):
                raise WrongUsage("-o wide is no way to print this: name, yaml, json or a template are")
            sys.stdout.write(printer(form, Settings())([body], True))
            return
        dry = self.given.text("dry-run") if self._has("dry-run") else "none"
        said = "" if dry == "none" else " (dry run)" if dry == "client" else " (server dry run)"
        sys.stdout.write(f"{name_of(body)} {done}{said}\n")


def _name(body: Json) -> str:
    name = (body.get("metadata") or {}).get("name")
    if not name:
        raise WrongUsage(f"a {body.get('kind', 'object')} has no metadata.name")
    return str(name)
