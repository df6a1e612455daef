"""Columns that are asked for by path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from upright.client.cli.output.jsonpath import relaxed, scalar
from upright.client.cli.output.widths import NONE, line, widths
from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.client.cli.connection import Json
    from upright.client.cli.output.jsonpath import JsonPath


class CustomColumns:
    """``NAME:.metadata.name,AGE:.metadata.creationTimestamp``."""

    def __init__(self, columns: Sequence[tuple[str, str]], *, headed: bool = True) -> None:
        self._columns: list[tuple[str, JsonPath]] = [(head, relaxed(path)) for head, path in columns]
        self._headed = headed
        self._widths: list[int] = []

    def text(self, bodies: Sequence[Json]) -> str:
        """Return a row an object, under the heads where these are the first."""
        rows = [[_cell(path, body) for _, path in self._columns] for body in bodies]
        if not self._widths and self._headed:
            rows.insert(0, [head for head, _ in self._columns])
        if not rows:
            return ""
        self._widths = self._widths or widths(rows)
        return "".join(line(row, self._widths) for row in rows)


def columns_of(spec: str) -> list[tuple[str, str]]:
    """Read the columns of a line. Raises WrongUsage."""
    if not spec:
        raise WrongUsage("custom-columns: columns are missing, as in -o custom-columns=NAME:.metadata.name")
    found: list[tuple[str, str]] = []
    for part in spec.split(","):
        head, colon, path = part.partition(":")
        if not colon or not path:
            raise WrongUsage(f'custom-columns: "{part}" is not HEAD:PATH, as in NAME:.metadata.name')
        found.append((head, path))
    return found


def columns_in(file: str) -> list[tuple[str, str]]:
    """Read a file of two lines: heads, and below each its path. Raises WrongUsage."""
    try:
        heads, paths = (row.split() for row in Path(file).read_text(encoding="utf-8").strip().split("\n"))
        return list(zip(heads, paths, strict=True))
    except OSError as error:
        raise WrongUsage(f"custom-columns-file: {file}: {error.strerror}") from error
    except ValueError as error:
        raise WrongUsage(f"custom-columns-file: {file} must be two lines, heads and paths, as many of each") from error


def _cell(path: JsonPath, body: Json) -> str:
    found = path.values(body)
    return ",".join(NONE if value is None else scalar(value) for value in found) or NONE
