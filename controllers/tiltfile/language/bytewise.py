"""Strings as Starlark sees them: UTF-8 bytes, held in Python's text.

A byte that belongs to no character (after a cut through one) stands as a lone surrogate, as in ``surrogateescape``.
``whole`` puts parted characters together again, so that equal bytes are always equal texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.values import HostValue, Value, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_HIDDEN = {code: chr(0xF0000 + code) for code in range(0x1C, 0x20)}  # spaces to Python, but not to Starlark
_SHOWN = {ord(hidden): chr(code) for code, hidden in _HIDDEN.items()}


def raw(text: str) -> bytes:
    """Return the string's bytes."""
    return text.encode("utf-8", "surrogateescape")


def text_of(data: bytes) -> str:
    """Return the string of these bytes."""
    return data.decode("utf-8", "surrogateescape")


def whole(text: str) -> str:
    """Return the text with the bytes of each character together."""
    if text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text):
        return text
    return text_of(raw(text))


def length(text: str) -> int:
    """Return the number of bytes."""
    return len(text) if text.isascii() else len(raw(text))


def part(text: str, where: slice | int) -> str:
    """Return a byte, or a slice of the bytes."""
    if text.isascii():
        return text[where]
    data = raw(text)
    return text_of(data[where : where + 1] if isinstance(where, int) else data[where])


def position(text: str, wanted: str, bounds: slice, *, last: bool = False) -> int:
    """Return where ``wanted`` stands between the bounds, counted in bytes, or -1."""
    data, sought = (text, wanted) if text.isascii() and wanted.isascii() else (raw(text), raw(wanted))
    start, end, _ = bounds.indices(len(data))
    piece = data[start:end]
    at = piece.rfind(sought) if last else piece.find(sought)  # type: ignore[arg-type]  # reason: both text, or both bytes
    return at if at < 0 else at + start


def has(text: str, wanted: str) -> bool:
    """Tell whether the bytes of ``wanted`` are in the text."""
    return wanted in text if text.isascii() or wanted.isascii() else raw(wanted) in raw(text)


def split(text: str, cut: Callable[..., list[str]], most: int) -> list[str]:
    """Return the words between white space."""
    return [word.translate(_SHOWN) for word in cut(text.translate(_HIDDEN), None, most)]


def strip(text: str, cut: Callable[[str, str], str], letters: str | None) -> str:
    """Return the text without the letters (white space, if None) at its ends."""
    return cut(text, _SPACES if letters is None else letters)


def is_space(text: str) -> bool:
    """Tell whether the text is white space only."""
    return bool(text) and not text.strip(_SPACES)


def is_digit(text: str) -> bool:
    """Tell whether the text is decimal digits only, of any script."""
    return text.isdecimal()


def is_alphanumeric(text: str) -> bool:
    """Tell whether the text is letters and decimal digits only."""
    return bool(text) and all(letter.isalpha() or letter.isdecimal() for letter in text)


def upper(text: str) -> str:
    """Return the text in capitals; a letter whose capital is more than one letter stays."""
    return text.upper() if text.isascii() else "".join(_single(letter, letter.upper()) for letter in text)


def lower(text: str) -> str:
    """Return the text in small letters."""
    return text.lower() if text.isascii() else "".join(letter.lower()[0] for letter in text)


def capitalize(text: str) -> str:
    """Return the text with a capital at its start and small letters after it."""
    return _single(text[:1], text[:1].title()) + lower(text[1:])


def title(text: str) -> str:
    """Return the text with a capital at the start of each run of letters."""
    shown: list[str] = []
    inside = False
    for letter in text:
        shown.append(lower(letter) if inside else _single(letter, letter.title()))
        inside = letter.isalpha()
    return "".join(shown)


def _single(letter: str, changed: str) -> str:
    return changed if len(changed) == 1 else letter


class Elements(HostValue):
    """What ``elems()`` and ``elem_ords()`` return: the bytes, to iterate over and to index."""

    starlark_type = "string.elems"

    def __init__(self, text: str, shown: str, *, ordinals: bool) -> None:
        self.text = text
        self.shown = shown
        self.ordinals = ordinals

    def elements(self) -> Iterable[Value]:
        return raw(self.text) if self.ordinals else [part(self.text, at) for at in range(len(self))]

    def get_item(self, at: Value) -> Value:
        if type(at) is not int:
            raise Failure(f"{self.starlark_type} index: got {type_name(at)}, want int")
        size = len(self)
        if not -size <= at < size:
            where = f"[{-size}:{size - 1}]" if size else ": empty string.elems"
            raise Failure(f"{self.starlark_type} index {at} out of range {where}")
        byte = raw(self.text)[at]
        return byte if self.ordinals else part(self.text, at % size)

    def __len__(self) -> int:
        return length(self.text)

    def __str__(self) -> str:
        return self.shown


class CodePoints(HostValue):
    """What ``codepoints()`` and ``codepoint_ords()`` return: the characters, to iterate over."""

    starlark_type = "string.codepoints"

    def __init__(self, text: str, shown: str, *, ordinals: bool) -> None:
        self.text = text
        self.shown = shown
        self.ordinals = ordinals

    def elements(self) -> Iterable[Value]:
        letters = ("\ufffd" if "\udc80" <= letter <= "\udcff" and self.ordinals else letter for letter in self.text)
        return map(ord, letters) if self.ordinals else letters

    def __str__(self) -> str:
        return self.shown
