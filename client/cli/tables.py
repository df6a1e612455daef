"""Prints Tables that the server made, as kubectl does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.client.cli.connection import Json

_GAP = "   "


class TablePrinter:
    """Lays out tables of one kind; later ones (of a watch) in the columns of the first.

    ``prefix`` is put before each name, where several kinds are printed.
    """

    def __init__(self, *, wide: bool = False, headed: bool = True, prefix: str = "") -> None:
        self._wide = wide
        self._headed = headed
        self._prefix = prefix
        self._shown: list[int] = []
        self._widths: list[int] = []

    def text(self, tables: Iterable[Json]) -> str:
        """Return the rows of some tables under one head."""
        pages = list(tables)
        head: list[str] = []
        if not self._shown:
            definitions: list[Json] = next(
                (page["columnDefinitions"] for page in pages if page.get("columnDefinitions")), []
            )
            self._shown = [at for at, column in enumerate(definitions) if self._wide or not column.get("priority")]
            head = [str(definitions[at]["name"]).upper() for at in self._shown]
        rows = [self._row(row["cells"]) for page in pages for row in page.get("rows") or ()]
        shown = [head, *rows] if head and self._headed else rows
        if not self._widths:
            self._widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        return "".join(self._line(row) for row in shown)

    def _row(self, cells: Sequence[Any]) -> list[str]:  # Any: a cell is any JSON scalar
        row = [_cell(cells[at]) for at in self._shown]
        return [self._prefix + row[0], *row[1:]] if row else row

    def _line(self, row: Sequence[str]) -> str:
        return _GAP.join(f"{cell:<{width}}" for cell, width in zip(row, self._widths, strict=True)).rstrip() + "\n"


def _cell(value: object) -> str:
    """Return a cell on one line: what a pod says may have line feeds."""
    if value is None:
        return "<none>"
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(str(value).split("\n"))
