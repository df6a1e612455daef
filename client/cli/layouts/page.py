"""A page of text: names and values in two columns, sections, lists, tables; nothing of what they mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from upright.openapi.documents.ages import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GAP = 2


class Page:
    """Collects lines. Pairs that follow each other share a column, as in kubectl's describe."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._pairs: list[tuple[str, str]] = []

    def pair(self, name: str, value: object, indent: int = 0) -> None:
        """Add ``Name:  value``; a value of several lines stands below its name."""
        text = str(value)
        head = f"{'':{indent}}{name}:"
        if "\n" in text:
            self.line(head)
            self.lines(text.rstrip("\n").split("\n"), indent + _GAP)
        else:
            self._pairs.append((head, text))

    def known(self, name: str, value: object, indent: int = 0) -> None:
        """Add a pair, if there is anything to say."""
        if value not in (None, "", [], {}, ()):
            self.pair(name, value, indent)

    def line(self, text: str) -> None:
        self._flush()
        self._lines.append(text.rstrip())

    def lines(self, texts: Iterable[str], indent: int = 0) -> None:
        for text in texts:
            self.line(f"{'':{indent}}{text}")

    def section(self, title: str) -> None:
        """Begin a section, apart from what stands above."""
        if self._lines or self._pairs:
            self.line("")
        self.line(f"{title}:")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], indent: int = _GAP) -> None:
        """Add a table."""
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        for row in (head, *rows):
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            self.line(f"{'':{indent}}{'   '.join(cells)}")

    def text(self) -> str:
        """Return the page."""
        self._flush()
        return "".join(f"{line}\n" for line in self._lines)

    def _flush(self) -> None:
        width = max((len(head) for head, _ in self._pairs), default=0) + _GAP
        self._lines += [f"{head:<{width}}{value}".rstrip() for head, value in self._pairs]
        self._pairs.clear()


def moment(text: str | None) -> datetime | None:
    """Read a time of the API; None where there is none."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def since(text: str | None, now: datetime) -> str:
    """Return how long ago a time of the API was, as ``5s``; nothing where there is none."""
    found = moment(text)
    return span((now - found).total_seconds()) if found else ""


def ago(text: str | None, now: datetime) -> str:
    """Return ``5s ago (2026-…)``; nothing where there is no time."""
    return f"{since(text, now)} ago ({text})" if text else ""


def took(start: str | None, end: str | None) -> str:
    """Return how long something took, to the tenth under ten seconds; nothing where it has not ended."""
    begun, ended = moment(start), moment(end)
    if begun is None or ended is None:
        return ""
    seconds = (ended - begun).total_seconds()
    return f"{seconds:.1f}s" if seconds < 10 else span(seconds)
