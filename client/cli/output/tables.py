"""Prints Tables that the server made, as kubectl does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.output.widths import NONE, line, widths

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.client.cli.connection import Json


class TablePrinter:
    """Lays out tables of one kind; later ones (of a watch) in the columns of the first.

    ``prefix`` is put before each name, where several kinds are printed. ``labels`` are labels with a column of their own,
    ``all_labels`` puts all of them into one. ``events``: the first column is what happened.
    """

    def __init__(
        self,
        *,
        wide: bool = False,
        headed: bool = True,
        prefix: str = "",
        labels: Sequence[str] = (),
        all_labels: bool = False,
        events: bool = False,
    ) -> None:
        self._wide = wide
        self._headed = headed
        self._prefix = prefix
        self._labels = labels
        self._all_labels = all_labels
        self._events = events
        self._shown: list[int] = []
        self._widths: list[int] = []

    def text(self, tables: Iterable[Json], event: str = "ADDED") -> str:
        """Return the rows of some tables under one head; ``event`` is what happened to them."""
        pages = list(tables)
        head: list[str] = []
        if not self._shown:
            definitions: list[Json] = next(
                (page["columnDefinitions"] for page in pages if page.get("columnDefinitions")), []
            )
            self._shown = [at for at, column in enumerate(definitions) if self._wide or not column.get("priority")]
            head = ["EVENT"] if self._events else []
            head += [str(definitions[at]["name"]).upper() for at in self._shown]
            head += [label.rpartition("/")[2].upper() for label in self._labels]
            head += ["LABELS"] if self._all_labels else []
        rows = [self._row(row, event) for page in pages for row in page.get("rows") or ()]
        shown = [head, *rows] if head and self._headed else rows
        if not self._widths and shown:
            self._widths = widths(shown)
        return "".join(line(row, self._widths) for row in shown)

    def _row(self, row: Json, event: str) -> list[str]:
        cells = [_cell(row["cells"][at]) for at in self._shown]
        found: dict[str, str] = ((row.get("object") or {}).get("metadata") or {}).get("labels") or {}
        cells += [found.get(label, "") for label in self._labels]
        cells += [",".join(f"{name}={value}" for name, value in sorted(found.items())) or NONE] * self._all_labels
        return [*[event] * self._events, self._prefix + cells[0], *cells[1:]]


def _cell(value: object) -> str:
    """Return a cell on one line: what a pod says may have line feeds."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(str(value).split("\n"))
