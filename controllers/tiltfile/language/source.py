"""A Tiltfile's text, and what Starlark's scanner refuses that Python's takes."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from functools import lru_cache

from msgspec import Struct

from upright.controllers.tiltfile.language.errors import Place, TiltfileError

_TOKEN = re.compile(
    r"""
      (?P<comment>\#[^\n]*)
    | (?P<string>(?P<prefix>[a-zA-Z]{0,2})(?P<quote>\"{3}|'{3}|["'])(?P<body>(?:\\.|(?!(?P=quote)).)*?)(?P=quote))
    | (?P<number>\d\w*)
    | (?P<name>[^\W\d]\w*)
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<newline>\n)
    | (?P<space>(?:[^\S\n]|\\\n)+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_GOT = {"comment": "newline", "newline": "newline", "string": "string literal", "number": "number literal"}
_WANTS_VALUE = re.compile(r"(?:[-+*/%=<>&|^~(,\[{:]|\b(?:and|or|not|in|if|else|elif|while|return|lambda))$")
_ESCAPE = re.compile(
    r"\\(?:[abfnrtv\\'\"\n]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|(?P<wrong>.))", re.DOTALL
)


@lru_cache(maxsize=32)
def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n"))


@lru_cache(maxsize=32)
def _starts(text: str) -> tuple[int, ...]:
    """Return where each line begins."""
    return (0, *(found.end() for found in re.finditer("\n", text)))


class Source(Struct, frozen=True):
    """One file: its path and its text."""

    path: str
    text: str

    def place(self, node: ast.AST) -> Place:
        """Return where a node stands."""
        line: int = getattr(node, "lineno", 1)
        start: int = getattr(node, "col_offset", 0)
        end = getattr(node, "end_col_offset", start + 1) if getattr(node, "end_lineno", line) == line else None
        return self.span(line, start, end)

    def span(self, line: int, start: int, end: int | None) -> Place:
        """Return the place of bytes ``start`` to ``end`` of a line; to the line's end without ``end``."""
        raw = self.line(line).encode()
        column = len(raw[:start].decode(errors="replace"))
        width = len(raw[start:end].decode(errors="replace")) if end is None or end > start else 1
        return Place(self.path, line, column + 1, max(width, 1))

    def line(self, number: int) -> str:
        lines = _lines(self.text)
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def at(self, offset: int, width: int = 1) -> Place:
        """Return the place of a character of the text."""
        starts = _starts(self.text)
        line = bisect_right(starts, offset)
        return Place(self.path, line, offset - starts[line - 1] + 1, width)

    def error(self, message: str, where: ast.AST | Place) -> TiltfileError:
        """Return the error of something found before running."""
        place = where if isinstance(where, Place) else self.place(where)
        return TiltfileError(message, place=place, source=self.line(place.line))

    def parse(self) -> ast.Module:
        """Return the syntax tree; raises TiltfileError."""
        self._scan()
        try:
            return ast.parse(self.text, self.path)
        except SyntaxError as error:
            line, column = error.lineno or 1, error.offset or 1
            width = (error.end_offset or 0) - column if error.end_lineno == line else 1
            place = Place(self.path, line, max(column, 1), max(width, 1))
            raise self.error(self._said(error.msg, place), place) from None
        except (RecursionError, MemoryError):
            raise TiltfileError(f"{self.path} is nested too deeply to be parsed") from None
        except ValueError as error:
            raise TiltfileError(f"{self.path}: {error}") from None

    def _said(self, message: str, place: Place) -> str:
        """Return the words for Python's syntax error, without its hints at Python's own features."""
        if message.startswith("unterminated"):
            return f"unexpected {'EOF' if 'triple' in message else 'newline'} in string"
        message = message.removesuffix(". Maybe you meant '==' or ':=' instead of '='?")
        if message != "invalid syntax":
            return message
        line = self.line(place.line)
        before, after = line[: place.column - 1].rstrip(), line[place.column - 1 :]
        found = _TOKEN.match(after.lstrip())
        got = "newline" if found is None else _GOT.get(found.lastgroup or "") or f"'{found[0]}'"
        if _WANTS_VALUE.search(before) and not before.lstrip().startswith("def "):
            return f"got {got}, want primary expression"
        return f"unexpected {got}"

    def _scan(self) -> None:
        """Refuse bad escapes, adjacent strings, and numbers and prefixes that only Python has."""
        depth = 0
        after_string = False
        for found in _TOKEN.finditer(self.text):
            kind = found.lastgroup
            if kind == "string":
                self._check_string(found, after_string=after_string)
            elif kind == "number" and "_" in found[0]:
                raise self.error("a number has no underscores", self.at(found.start(), len(found[0])))
            depth += (kind == "open") - (kind == "close")
            blank = kind in {"space", "comment"} or (kind == "newline" and depth > 0)
            after_string = kind == "string" or (after_string and blank)

    def _check_string(self, found: re.Match[str], *, after_string: bool) -> None:
        place = self.at(found.start(), len(found[0].partition("\n")[0]))
        if after_string:
            raise self.error("two strings side by side: put a + or a comma between them", place)
        prefix = found["prefix"].lower()
        if "f" in prefix:
            raise self.error("f-strings are not part of the Tiltfile language: use % or .format()", place)
        if found["prefix"] not in {"", "r"}:
            raise self.error(f"a string has no prefix {found['prefix']} here", place)
        if prefix == "r" or "\\" not in found["body"]:
            return
        for escape in _ESCAPE.finditer(found["body"]):
            problem = _escape_problem(escape)
            if problem:
                raise self.error(problem, self.at(found.start("body") + escape.start(), len(escape[0])))


def _escape_problem(escape: re.Match[str]) -> str:
    """Return what is wrong with an escape, if anything."""
    shown = escape[0]
    if escape["wrong"]:
        return f"invalid escape sequence {shown}: write \\{shown} for a backslash"
    if not (shown[1] in "xuU" or shown[1].isdigit()):
        return ""
    digits, base = (shown[2:], 16) if shown[1] in "xuU" else (shown[1:], 8)
    code = int(digits, base)
    if shown[1] in "uU":
        return f"invalid Unicode code point U+{code:04X}" if code > 0x10FFFF or 0xD800 <= code < 0xE000 else ""
    if code < 0x80:
        return ""
    kind = "hex" if shown[1] == "x" else "octal"
    digits = f"{code:04X}" if kind == "hex" else f"{code:04x}"
    return f"non-ASCII {kind} escape {shown} (use \\u{digits} for the UTF-8 encoding of U+{digits})"
