"""blob(): text for a function that would otherwise take a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.language.arguments import Arguments, required, string
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class BlobArguments(Arguments):
    """blob(input)."""

    input: str = required(string)


def blob(_project: Project, given: BlobArguments) -> Blob:
    """Return the text as a Blob."""
    return Blob(given.input, "Tiltfile blob() call")


VALUES = {"blob": function("blob", BlobArguments, blob)}
