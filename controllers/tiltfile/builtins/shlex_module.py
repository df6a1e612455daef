"""The module shlex: quoting for the shell."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, required, string
from upright.controllers.tiltfile.language.values import Module
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class QuoteArguments(Arguments):
    """shlex.quote(s)."""

    name: str = required(string)


def quote(_project: Project, given: QuoteArguments) -> str:
    """Return the text as one word of a shell command."""
    return shlex.quote(given.name)


VALUES = {
    "shlex": lambda project: Module("shlex", {"quote": function("shlex.quote", QuoteArguments, quote)(project)}),
}
