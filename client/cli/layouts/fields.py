"""Any object, field by field, as kubectl describes kinds it has no layout for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upright.client.cli.layouts.page import Page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from upright.client.cli.connection import Json

_ENVELOPE = frozenset({"apiVersion", "kind", "metadata"})
_SAID_ABOVE = frozenset({"name", "namespace", "labels", "annotations", "managedFields"})
_ACRONYMS = {"Api": "API", "Uid": "UID", "Id": "ID", "Url": "URL", "Ip": "IP", "Http": "HTTP", "Tcp": "TCP", "Ui": "UI"}


def described(body: Json, now: datetime) -> str:
    """Return the page of an object."""
    del now
    page = Page()
    metadata = body.get("metadata") or {}
    page.pair("Name", metadata.get("name", ""))
    page.known("Namespace", metadata.get("namespace"))
    page.pair("Labels", strings(metadata.get("labels")))
    page.pair("Annotations", strings(metadata.get("annotations"), ": "))
    page.pair("API Version", body.get("apiVersion", ""))
    page.pair("Kind", body.get("kind", ""))
    page.line("Metadata:")
    _mapping(page, {name: value for name, value in metadata.items() if name not in _SAID_ABOVE}, 2)
    rest = {name: value for name, value in body.items() if name not in _ENVELOPE}
    _mapping(page, rest, 0)
    return page.text()


def strings(pairs: Mapping[str, str] | None, sign: str = "=") -> str:
    """Return labels or annotations, one a line where there are several."""
    return "\n".join(f"{name}{sign}{value}" for name, value in sorted((pairs or {}).items())) or "<none>"


def title(name: str) -> str:
    """Return ``Restart Count`` for ``restartCount``; what is no field's name stays."""
    if not name.isalnum() or not name[:1].islower():
        return name
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in name).split()
    joined = " ".join(word.capitalize() for word in _joined(words))
    return " ".join(_ACRONYMS.get(word, word) for word in joined.split())


def _joined(words: list[str]) -> list[str]:
    """Put single letters together: ``span I D`` is ``span ID``."""
    found: list[str] = []
    for word in words:
        if found and len(word) == 1 and found[-1].isupper():
            found[-1] += word
        else:
            found.append(word)
    return found


def _mapping(page: Page, values: Mapping[str, Any], indent: int) -> None:  # Any: any JSON value
    for name in sorted(values):
        _field(page, title(name), values[name], indent)


def _field(page: Page, name: str, value: Any, indent: int) -> None:  # noqa: ANN401  reason: any JSON value
    if isinstance(value, dict) and value:
        page.line(f"{'':{indent}}{name}:")
        _mapping(page, value, indent + 2)
    elif isinstance(value, list) and value:
        page.line(f"{'':{indent}}{name}:")
        _items(page, value, indent + 2)
    elif value not in ({}, [], None):
        page.pair(name, str(value).lower() if isinstance(value, bool) else value, indent)


def _items(page: Page, values: list[Any], indent: int) -> None:  # Any: any JSON value
    for value in values:
        if isinstance(value, dict):
            _mapping(page, value, indent)
        elif isinstance(value, list):
            _items(page, value, indent + 2)
        else:
            page.lines(str(value).split("\n"), indent)
