"""A failure card as text: what failed, where, by which rule, and the lines that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_INDENT = "  "
_RED, _PLAIN = "\x1b[31m", "\x1b[0m"


def card_lines(card: dict[str, Any], *, colour: bool = False) -> str:  # Any: a decoded JSON document
    """Return the card (a Failure as JSON) as it is printed, with an empty line before it."""
    return "".join(f"{line}\n" for line in _lines(card, f"{_RED}✗{_PLAIN}" if colour else "✗"))


def _lines(card: dict[str, Any], mark: str) -> Iterator[str]:  # Any: a decoded JSON document
    yield ""
    yield f"{mark} {card['resource']}: {card['message']}"
    if path := card.get("path"):
        yield f"{_INDENT}where: {' → '.join(path)}"
    yield f"{_INDENT}rule:  {card['rule']}"
    for name, key in (("since", "since"), ("exit code", "exitCode"), ("image", "image")):
        if card.get(key) is not None and card.get(key) != "":
            yield f"{_INDENT}{name}: {card[key]}"
    if held := card.get("heldBack"):
        yield f"{_INDENT}held back by this: {', '.join(held)}"
    for title, key in (("events", "events"), ("last lines of its log", "logs")):
        if lines := card.get(key):
            yield f"{_INDENT}{title}:"
            yield from (f"{_INDENT}{_INDENT}{line}" for line in lines)
