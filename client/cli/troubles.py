"""Why a command ends without having done what was asked, each with its exit code; ``main`` prints the message."""

from __future__ import annotations


class Trouble(Exception):
    """The command failed; the message ends in what to do. Without a message everything has been said already."""

    code = 1


class NotThere(Trouble):
    """There is no such object."""


class WrongUsage(Trouble):
    """The command line, or a variable that stands for a part of it, cannot be understood."""

    code = 2


class CannotTell(Trouble):
    """No server, or one that does not answer."""

    code = 3


class OutOfTime(Trouble):
    """What was waited for did not come."""

    code = 124


def closest(word: str, known: list[str]) -> str:
    """Return `` (did you mean "x"?)`` for a misspelt word, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415  reason: only mistakes need it

    found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f' (did you mean "{found[0]}"?)' if found else ""
