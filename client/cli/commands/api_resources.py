"""List the kinds that a server has."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from upright.client.cli.asked import SERVER_FLAGS, environment, server
from upright.client.cli.connection import DISCOVERY, Connection
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.output.widths import line, widths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.client.cli.connection import Json
    from upright.client.cli.flags import Given


def command() -> Command:
    """Return what help says."""
    return Command(
        "api-resources",
        "Lists the kinds that a server has, with their short names.",
        "upright api-resources [flags]",
        "upright api-resources\n"
        "upright api-resources -o wide          # with verbs and categories\n"
        "upright api-resources -o name --api-group=tilt.dev --verbs=list,delete\n"
        "upright api-resources --namespaced=false --sort-by=kind",
        (
            Flag("output", "how: wide or name; a table unless said", "FORMAT", short="o", choices=("wide", "name")),
            Flag("api-group", "only kinds of this group", "GROUP"),
            Flag("verbs", "only kinds that have all of these verbs", "VERBS", many=True),
            Flag("categories", "only kinds that are in all of these categories", "NAMES", many=True),
            Flag("namespaced", "only kinds whose objects have a namespace; =false: only those whose have none"),
            Flag("sort-by", "in the order of: name or kind", "COLUMN", choices=("name", "kind")),
            Flag("no-headers", "leave the table's head out"),
            Flag("cached", "taken as kubectl takes it: nothing is cached here", hidden=True),
            *SERVER_FLAGS,
        ),
    )


class _Row(NamedTuple):
    name: str
    group: str
    version: str
    short: str
    namespaced: bool
    kind: str
    verbs: tuple[str, ...]
    categories: tuple[str, ...]


def run(arguments: list[str]) -> int:
    """Print them."""
    given = parse(command(), arguments, environment())
    connection = Connection(server(given))
    try:
        rows = [row for row in _rows(connection.get("/apis", accept=DISCOVERY)) if _wanted(given, row)]
    finally:
        connection.close()
    if by := given.text("sort-by"):
        rows.sort(key=lambda row: (row.kind if by == "kind" else row.name, row.group))
    if given.text("output") == "name":
        sys.stdout.write("".join(f"{f'{row.name}.{row.group}'.rstrip('.')}\n" for row in rows))
    elif rows:
        sys.stdout.write(_table(given, rows))
    if not rows:
        sys.stderr.write("No kinds found.\n")
    return 0


def _rows(discovery: Json) -> Iterator[_Row]:
    """Yield the kinds by group, and by name in each."""
    for group in discovery.get("items") or ():
        name = str(group["metadata"].get("name") or "")
        for version in group["versions"]:
            of_version = f"{name}/{version['version']}".lstrip("/")
            for about in sorted(version["resources"], key=lambda about: str(about["resource"])):
                yield _row(name, of_version, about)


def _row(group: str, version: str, about: Json) -> _Row:
    return _Row(
        str(about["resource"]),
        group,
        version,
        ",".join(about.get("shortNames") or ()),
        about["scope"] == "Namespaced",
        str(about["responseKind"]["kind"]),
        tuple(about.get("verbs") or ()),
        tuple(about.get("categories") or ()),
    )


def _wanted(given: Given, row: _Row) -> bool:
    return (
        (not given.given("api-group") or row.group == given.text("api-group"))
        and (not given.given("namespaced") or row.namespaced == given.on("namespaced"))
        and set(given.many("verbs")) <= set(row.verbs)
        and set(given.many("categories")) <= set(row.categories)
    )


def _table(given: Given, rows: list[_Row]) -> str:
    wide = given.text("output") == "wide"
    head = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"] + ["VERBS", "CATEGORIES"] * wide
    cells = [_cells(row)[: len(head)] for row in rows]
    columns = widths([head, *cells])
    return "".join(line(row, columns) for row in ([] if given.on("no-headers") else [head]) + cells)


def _cells(row: _Row) -> list[str]:
    namespaced = str(row.namespaced).lower()
    return [row.name, row.short, row.version, namespaced, row.kind, ",".join(row.verbs), ",".join(row.categories)]
