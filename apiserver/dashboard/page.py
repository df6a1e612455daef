"""The dashboard's page: a kind's table each, as kubectl prints them, drawn by the server and kept fresh by a small script."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.openapi.meta import Json

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""No script but our own file, no other origin, no frame around it."""

ASSETS = {
    "dashboard.js": "text/javascript; charset=utf-8",
    "dashboard.css": "text/css; charset=utf-8",
}


class Section(Struct, frozen=True):
    """One table: its title, the short path its rows come from, its ``Table``, the revision to watch from."""

    title: str
    path: str
    table: Json
    revision: int


def asset(name: str) -> bytes:
    """Return the bytes of one of ASSETS."""
    return (Path(__file__).parent / name).read_bytes()


def page(sections: Iterable[Section]) -> str:
    """Return the HTML; everything that comes from an object is escaped."""
    tables = "".join(map(table_of, sections))
    return document(f'{tables}<p id="connection" role="status"></p>', script="/dashboard/dashboard.js")


def document(body: str, *, script: str = "") -> str:
    """Return the whole HTML around what is shown, which is HTML already."""
    loaded = f'<script src="{script}" defer></script>' if script else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Upright</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="/dashboard/dashboard.css">{loaded}</head><body><main>{body}</main></body></html>\n'
    )


def table_of(section: Section) -> str:
    """Return a section's HTML."""
    heads = "".join(
        f'<th scope="col">{escape(str(column["name"]))}</th>' for column in section.table["columnDefinitions"]
    )
    rows = "".join(_row(row["cells"]) for row in section.table["rows"])
    return (
        f"<section><h2>{escape(section.title)}</h2>"
        f'<table data-path="{escape(section.path)}" data-revision="{section.revision}">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _row(cells: list[object]) -> str:
    return "<tr>" + "".join(f'<td data-value="{text}">{text}</td>' for text in map(_text, cells)) + "</tr>"


def _text(cell: object) -> str:
    shown = str(cell).lower() if isinstance(cell, bool) else str(cell)
    return escape("" if shown == "<none>" else shown)
