"""Writes ``data/answers.json`` anew: ``python -m tests.controllers.tiltfile.language.record STARLARK``."""

from __future__ import annotations

import sys

from tests.controllers.tiltfile.language import oracle
from tests.controllers.tiltfile.language.differences import KNOWN_DIFFERENCES

if __name__ == "__main__":
    oracle.store({text: oracle.theirs(text, sys.argv[1]) for text in (*oracle.snippets(), *KNOWN_DIFFERENCES)})
