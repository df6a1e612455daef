"""Print objects of a running server: sessions, resources, clusters, …."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal, cast

from upright.client.cli.asked import SELECTOR_FLAGS, SERVER_FLAGS, environment, query, server, wanted
from upright.client.cli.connection import JSON, TABLE, Connection
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.kinds import Kinds
from upright.client.cli.objects import document, name_of, rendered
from upright.client.cli.tables import TablePrinter
from upright.client.cli.troubles import NotThere, Trouble, WrongUsage

if TYPE_CHECKING:
    from upright.client.cli.connection import Json
    from upright.client.cli.flags import Given
    from upright.client.cli.kinds import KindPath

_FORMATS = ("wide", "yaml", "json", "name")


def command() -> Command:
    """Return what help says."""
    return Command(
        "get",
        "Prints objects of a running server.\n\n"
        "Without --port it is the one started from this directory, else the only one that runs.",
        "upright get TYPE[,TYPE] [NAME …] | TYPE/NAME …",
        "upright get session                    # how the run is doing\n"
        "upright get resources -w               # and go on as they change\n"
        "upright get resource web -o yaml\n"
        "upright get all -l app=web -o name",
        (
            Flag("output", f"how: {', '.join(_FORMATS)}; a table unless said", "FORMAT", short="o", choices=_FORMATS),
            Flag("watch", "after that, print what changes", short="w"),
            *SELECTOR_FLAGS,
            Flag("no-headers", "leave the table's head out"),
            Flag("ignore-not-found", "exit 0 where there is no such object"),
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Print what is asked for."""
    given = parse(command(), arguments, environment())
    asked = wanted(given)
    connection = Connection(server(given))
    try:
        kinds = Kinds(connection)
        parts = [(kind, want.names) for want in asked for kind in kinds.find(want.word)]
        return _Getting(connection, given, parts).run()
    finally:
        connection.close()


class _Getting:
    """One question: some kinds, of each either all objects that are selected or some by name."""

    def __init__(self, connection: Connection, given: Given, parts: list[tuple[KindPath, tuple[str, ...]]]) -> None:
        self._connection = connection
        self._given = given
        self._parts = parts
        self._form = cast(
            "Literal['', 'wide', 'yaml', 'json', 'name']", given.text("output")
        )  # reason: choices says so
        self._missing = False

    def run(self) -> int:
        if self._given.on("watch") and (len(self._parts) > 1 or len(self._parts[0][1]) > 1):
            raise WrongUsage("--watch takes one kind, with one name or none")
        if self._form in {"", "wide"}:
            self._tables()
        else:
            self._objects()
        return 1 if self._missing else 0

    def _answers(self, kind: KindPath, names: tuple[str, ...], accept: str) -> list[Json]:
        """Return a list, or the objects of these names; one that is not there is told, and the others go on."""
        if not names:
            return [self._connection.get(kind.path + query(self._given), free=kind.free, accept=accept)]
        found: list[Json] = []
        for name in names:
            try:
                found.append(self._connection.get(kind.of(name), free=kind.free, accept=accept))
            except NotThere as error:
                if not self._given.on("ignore-not-found"):
                    self._missing = True
                    sys.stderr.write(f"Error: {error}\n")
        return found

    def _tables(self) -> None:
        several = len(self._parts) > 1
        shown = 0
        for kind, names in self._parts:
            printer = TablePrinter(
                wide=self._form == "wide",
                headed=not self._given.on("no-headers"),
                prefix=f"{kind.full}/" if several else "",
            )
            pages = self._answers(kind, names, TABLE)
            if any(page.get("rows") for page in pages):
                sys.stdout.write(("\n" if shown else "") + printer.text(pages))
                shown += 1
            if self._given.on("watch"):
                self._watch(kind, names, pages, TABLE, printer)
        if not shown and not self._missing and not self._given.on("ignore-not-found"):
            sys.stderr.write("No objects found.\n")

    def _objects(self) -> None:
        answers = [(kind, names, self._answers(kind, names, JSON)) for kind, names in self._parts]
        bodies = [body for _, names, pages in answers for body in (pages if names else _items(pages))]
        single = len(self._parts) == 1 and len(self._parts[0][1]) == 1
        if self._given.on("watch"):
            sys.stdout.write("".join(map(self._one, bodies)))
            kind, names, pages = answers[0]
            self._watch(kind, names, pages, JSON, None)
        elif self._form == "name":
            sys.stdout.write("".join(f"{name_of(body)}\n" for body in bodies))
        elif bodies or not single:
            sys.stdout.write(rendered(bodies, "yaml" if self._form == "yaml" else "json", single=single))

    def _one(self, body: Json) -> str:
        if self._form == "name":
            return f"{name_of(body)}\n"
        return f"---\n{document(body, 'yaml')}" if self._form == "yaml" else document(body, "json")

    def _watch(
        self, kind: KindPath, names: tuple[str, ...], pages: list[Json], accept: str, printer: TablePrinter | None
    ) -> None:
        sys.stdout.flush()
        if not pages:
            return
        since = pages[0]["metadata"]["resourceVersion"]
        only = {"fieldSelector": f"metadata.name={names[0]}"} if names else {}
        path = kind.path + query(self._given, watch="1", resourceVersion=str(since), **only)
        for event in self._connection.stream(path, free=kind.free, accept=accept):
            if event["type"] == "ERROR":
                raise Trouble(f"the watch ended: {event['object'].get('message', '')}")
            if event["type"] != "BOOKMARK":
                body = event["object"]
                sys.stdout.write(printer.text([body]) if printer else self._one(body))
                sys.stdout.flush()


def _items(pages: list[Json]) -> list[Json]:
    """Return the objects of a list."""
    return [item for page in pages for item in page.get("items") or ()]
