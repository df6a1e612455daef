"""The language against starlark-go: the same snippets through both, the same output or the same complaint."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from upright.controllers.tiltfile.language.errors import Failure, TiltfileError
from upright.controllers.tiltfile.language.interpreter import Interpreter
from upright.controllers.tiltfile.language.text import to_str
from upright.controllers.tiltfile.language.values import Builtin, Value

oracle = pytest.importorskip("starlark_go")

SNIPPETS = (Path(__file__).parent / "data" / "snippets.star").read_text().split("\n---\n")

# Not run here, for its memory: repetition stops at 128 Mi items, the oracle's at 1 Gi.
KNOWN_DIFFERENCES = {
    'print(len("é"))': "strings are indexed by code point, not by byte",
    "print({True: 1, 1: 2})": "True and 1 are the same dict key, as in Python",
    "x = print\nprint = 3": "a global may take a builtin's name after the builtin was used",
    "print(b'a')": "no bytes",
    'print(set([1]) - set([1]), hasattr(set(), "add"))': "sets as in the starlark-go of today's Tilt: the oracle is older",
    "async_ = 1\nawait_ = 2\nassert_ = 3\nfrom_ = 1\nasync = 1": "Python's keywords are reserved",
    "sorted(1, kee=2)": "argument names are checked before argument types",
    "x, = [5]\nprint(x)": "a trailing comma without parentheses makes a tuple, as in Python",
    "True = 1": "True, False and None are not names",
    "print(x)\nx = 1": "a global read before its assignment is found when it is read, as in today's Tilt",
}


def ours(text: str) -> tuple[list[str], str]:
    """Return what is printed, and the error's message."""
    printed: list[str] = []

    def show(args: tuple[Value, ...], named: dict[str, Value]) -> None:
        separator = named.pop("sep", " ")
        for name in named:
            raise Failure(f'print: unexpected keyword argument "{name}"')
        printed.append(separator.join(map(to_str, args)))

    names = {"print": Builtin("print", show)}
    try:
        Interpreter(known=names, predeclared=names.__getitem__, read=lambda _: text).run("/t.star")
    except TiltfileError as error:
        return printed, error.message
    return printed, ""


def theirs(text: str) -> tuple[list[str], str, bool]:
    """Return what is printed, the error's message, and whether it was found before running."""
    oracle.configure_starlark(allow_set=True, allow_global_reassign=True, allow_recursion=True)
    printed: list[Any] = []  # Any: the oracle has no types
    try:
        oracle.Starlark(print=printed.append).exec(text, filename="t.star")
    except (oracle.SyntaxError, oracle.ResolveError) as error:
        return printed, str(error), True
    except oracle.EvalError as error:
        return printed, re.sub(r"^\S+ in \S+?:\d+:\d+: ", "", str(error)), False
    return printed, "", False


def test_there_are_enough_snippets() -> None:
    assert len(SNIPPETS) >= 150


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text[:40])
def test_a_snippet_does_what_starlark_go_does(snippet: str) -> None:
    printed, error, static = theirs(snippet)
    mine, complaint = ours(snippet)
    assert mine == printed
    if static:
        assert complaint
    else:
        assert complaint == error


@pytest.mark.parametrize("snippet", KNOWN_DIFFERENCES, ids=KNOWN_DIFFERENCES.values())
def test_a_known_difference_is_still_one(snippet: str) -> None:
    printed, error, _ = theirs(snippet)
    assert ours(snippet) != (printed, error)
