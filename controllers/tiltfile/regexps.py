"""Regular expressions of users: Go's syntax and Go's complaints, searched in time linear in the text.

Python's own engine must not see them: it understands what Go refuses, and a pattern such as ``(a+)+$`` would hold the
interpreter, which no limit can end.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from upright.controllers.tiltfile.language.errors import WrongValue

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN = re.compile(r"(?P<nocase>\(\?i\))?(?P<text>[A-Za-z0-9_/-]*)")
_ANY_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\(?P<letter>C)")
_IN_GOS_WORDS = {
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
    "bad repetition operator": "invalid nested repetition operator",
    "no argument for repetition operator": "missing argument to repetition operator",
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
}


@lru_cache(maxsize=1024)
def searcher(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether the pattern is found in a text; raises WrongValue for what Go refuses."""
    plain = _PLAIN.fullmatch(pattern)
    if plain is None:
        return _compiled(pattern)
    text = plain["text"]
    if plain["nocase"]:
        lower = text.lower()
        return lambda where: lower in where.lower()
    return lambda where: text in where


def _compiled(pattern: str) -> Callable[[str], bool]:
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415  reason: it has no types, and takes 20 ms that few Tiltfiles need

    if _ANY_BYTE.search(pattern):  # C++ knows it, Go does not
        raise WrongValue(r"error parsing regexp: invalid escape sequence: `\C`")
    options: Any = re2.Options()
    options.log_errors = False
    try:
        found: Any = re2.compile(pattern, options)
    except re2.error as error:
        raise WrongValue(f"error parsing regexp: {_gos_words(error, pattern)}") from None
    return lambda where: found.search(where) is not None


def _gos_words(error: Exception, pattern: str) -> str:
    said = error.args[0]
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    if text.startswith("trailing \\"):
        return "trailing backslash at end of expression: ``"
    what, _, where = text.partition(": ")
    if where.startswith(("(?<", "(?P<")):
        rest = pattern[pattern.index(where) :]
        return f"invalid named capture: `{rest[: rest.find('>') + 1] or rest}`"
    return f"{_IN_GOS_WORDS.get(what, what)}: `{where}`"
