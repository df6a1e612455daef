"""Print objects of a running server: sessions, resources, clusters, …."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from upright.client.cli.asked import SELECTOR_FLAGS, SERVER_FLAGS, environment, query, server, wanted
from upright.client.cli.connection import JSON, TABLE, Connection
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.kinds import Kinds
from upright.client.cli.manifests import FILE_FLAGS
from upright.client.cli.output.forms import Settings, is_table, printer
from upright.client.cli.output.tables import TablePrinter
from upright.client.cli.troubles import NotThere, Trouble, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from upright.client.cli.connection import Json
    from upright.client.cli.flags import Given
    from upright.client.cli.kinds import KindPath


def command() -> Command:
    """Return what help says."""
    return Command(
        "get",
        "Prints objects of a running server.\n\n"
        "Without --port it is the one started from this directory, else the only one that runs.",
        "upright get TYPE[,TYPE] [NAME …] | TYPE/NAME … | -f FILE",
        "upright get session                    # how the run is doing\n"
        "upright get resources -w               # and go on as they change\n"
        "upright get resource web -o yaml\n"
        "upright get all -l app=web -o name\n"
        "upright get session -o jsonpath='{.items[0].status.verdict.state}'\n"
        "upright get resources -o custom-columns=NAME:.metadata.name,UPDATE:.status.updateStatus",
        (
            Flag(
                "output",
                "how: wide, yaml, json, name, jsonpath=…, jsonpath-as-json=…, custom-columns=…, go-template=… "
                "(and -file); a table unless said",
                "FORMAT",
                short="o",
            ),
            Flag("watch", "after that, print what changes", short="w"),
            Flag("watch-only", "print what changes, and nothing before"),
            Flag("output-watch-events", "begin each change with what happened: ADDED, MODIFIED, DELETED"),
            *FILE_FLAGS,
            *SELECTOR_FLAGS,
            Flag("sort-by", "in the order of this path's values, as in .metadata.name", "PATH"),
            Flag("show-labels", "labels as the last column"),
            Flag("label-columns", "a column for each of these labels", "LABELS", short="L", many=True),
            Flag("show-kind", "names with their kind"),
            Flag("show-managed-fields", "yaml and json with who set which field"),
            Flag("no-headers", "leave the table's head out"),
            Flag("ignore-not-found", "exit 0 where there is no such object"),
            Flag("template", "what to print, for -o jsonpath and go-template", "TEXT"),
            Flag("all-namespaces", "taken as kubectl takes it: nothing here has a namespace", short="A", hidden=True),
            Flag("namespace", "as above", "NAME", short="n", hidden=True),
            Flag("chunk-size", "as above", "NUMBER", hidden=True),
            Flag("allow-missing-template-keys", "as above", hidden=True),
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Print what is asked for."""
    given = parse(command(), arguments, environment())
    asked = wanted(given)
    tables = is_table(given.text("output"))
    connection = Connection(server(given))
    try:
        kinds = Kinds(connection)
        parts = [(kind, want.names) for want in asked for kind in kinds.find(want.word)]
        getting = (_Tables if tables else _Objects)(connection, given, parts)
        return getting.run()
    finally:
        connection.close()


class _Getting:
    """One question: some kinds, of each either all objects that are selected or some by name."""

    accept = JSON

    def __init__(self, connection: Connection, given: Given, parts: list[tuple[KindPath, tuple[str, ...]]]) -> None:
        self._connection = connection
        self._given = given
        self._parts = parts
        self._watched = given.on("watch") or given.on("watch-only")
        self._missing = False
        if self._watched and (len(parts) > 1 or len(parts[0][1]) > 1):
            raise WrongUsage("--watch takes one kind, with one name or none")

    def run(self) -> int:
        self.show()
        return 1 if self._missing else 0

    def show(self) -> None:
        raise NotImplementedError

    def _answers(self, kind: KindPath, names: tuple[str, ...], **more: str) -> list[Json]:
        """Return a list, or the objects of these names; one that is not there is told, and the others go on."""
        if not names:
            path = kind.path + query(self._given, **more)
            return [self._connection.get(path, free=kind.free, accept=self.accept)]
        found: list[Json] = []
        rest = "".join(f"?{name}={value}" for name, value in more.items())
        for name in names:
            try:
                found.append(self._connection.get(kind.of(name) + rest, free=kind.free, accept=self.accept))
            except NotThere as error:
                if not self._given.on("ignore-not-found"):
                    self._missing = True
                    sys.stderr.write(f"Error: {error}\n")
        return found

    def _watch(self, kind: KindPath, names: tuple[str, ...], pages: list[Json], text: Callable[[Json], str]) -> None:
        """Print what changes after the answers that were given."""
        sys.stdout.flush()
        if not pages:
            return
        since = pages[0]["metadata"]["resourceVersion"]
        only = {"fieldSelector": f"metadata.name={names[0]}"} if names else {}
        path = kind.path + query(self._given, watch="1", resourceVersion=str(since), **only)
        for event in self._connection.stream(path, free=kind.free, accept=self.accept):
            if event["type"] == "ERROR":
                raise Trouble(f"the watch ended: {event['object'].get('message', '')}")
            if event["type"] != "BOOKMARK":
                sys.stdout.write(text(event))
                sys.stdout.flush()


class _Tables(_Getting):
    """Rows that the server made."""

    accept = TABLE

    def show(self) -> None:
        shown = 0
        more = {"includeObject": "Object"} if self._given.text("sort-by") else {}
        for kind, names in self._parts:
            printer = self._printer(kind)
            pages = self._answers(kind, names, **more)
            if any(page.get("rows") for page in pages) and not self._given.on("watch-only"):
                text = printer.text(_sorted_rows(pages, self._given.text("sort-by")))
                sys.stdout.write(("\n" if shown else "") + text)
                shown += 1
            if self._watched:
                self._watch(kind, names, pages, partial(self._event, printer=printer))
        if not shown and not self._missing and not self._given.on("ignore-not-found"):
            sys.stderr.write("No objects found.\n")

    def _printer(self, kind: KindPath) -> TablePrinter:
        several = len(self._parts) > 1 or self._given.on("show-kind")
        return TablePrinter(
            wide=self._given.text("output") == "wide",
            headed=not self._given.on("no-headers"),
            prefix=f"{kind.full}/" if several else "",
            labels=self._given.many("label-columns"),
            all_labels=self._given.on("show-labels"),
            events=self._given.on("output-watch-events"),
        )

    def _event(self, event: Json, printer: TablePrinter) -> str:
        return printer.text([event["object"]], event["type"])


class _Objects(_Getting):
    """Objects as they are, or what a template makes of them."""

    def show(self) -> None:
        given = self._given
        settings = Settings(
            given.text("template"), headed=not given.on("no-headers"), managers=given.on("show-managed-fields")
        )
        text = printer(given.text("output"), settings)
        answers = [(kind, names, self._answers(kind, names)) for kind, names in self._parts]
        bodies = [body for _, names, pages in answers for body in (pages if names else _items(pages))]
        single = len(self._parts) == 1 and len(self._parts[0][1]) == 1
        if self._watched:
            kind, names, pages = answers[0]
            shown = () if given.on("watch-only") else bodies
            sys.stdout.write("".join(self._one(text, {"type": "ADDED", "object": body}) for body in shown))
            self._watch(kind, names, pages, lambda event: self._one(text, event))
        elif bodies or not single:
            sys.stdout.write(text(_sorted_objects(bodies, given.text("sort-by")), single))

    def _one(self, text: Callable[[Sequence[Json], bool], str], event: Json) -> str:
        form = self._given.text("output")
        if not self._given.on("output-watch-events"):
            shown = text([event["object"]], True)
        elif form in {"yaml", "json"}:
            shown = text([{"object": event["object"], "type": event["type"]}], True)
        else:
            shown = f"{event['type']:<10}{text([event['object']], True)}"
        return f"---\n{shown}" if form == "yaml" else shown


def _items(pages: list[Json]) -> list[Json]:
    """Return the objects of a list."""
    return [item for page in pages for item in page.get("items") or ()]


def _sorted_objects(bodies: list[Json], path: str) -> list[Json]:
    if not path:
        return bodies
    from upright.client.cli.output.sorting import in_order  # noqa: PLC0415  reason: only where it is asked for

    return in_order(bodies, path)


def _sorted_rows(pages: list[Json], path: str) -> list[Json]:
    """Return the tables as one whose rows are in order."""
    if not path or not pages:
        return pages
    from upright.client.cli.output.sorting import in_order  # noqa: PLC0415  reason: as above

    rows: list[Json] = [row for page in pages for row in page.get("rows") or ()]
    return [{**pages[0], "rows": in_order(rows, path, under="object")}]
