"""The language against starlark-go: the same snippets through both, the same output and the same complaint.

The answers in ``data/answers.json`` are those of the ``starlark`` command of the release that Tilt uses. With
``UPRIGHT_TEST_STARLARK`` set to that command they are compared with what it says now; ``record.py`` writes them anew.
"""

from __future__ import annotations

import os

import pytest

from tests.controllers.tiltfile.language import oracle
from tests.controllers.tiltfile.language.differences import KNOWN_DIFFERENCES

BINARY = os.environ.get("UPRIGHT_TEST_STARLARK", "")
ANSWERS = oracle.stored()
SNIPPETS = oracle.snippets()


def test_there_are_many_snippets() -> None:
    assert len(SNIPPETS) >= 1000


def test_every_snippet_has_an_answer() -> None:
    assert not {*SNIPPETS, *KNOWN_DIFFERENCES} - ANSWERS.keys()


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text[:40])
def test_a_snippet_does_what_starlark_go_does(snippet: str) -> None:
    mine, their = oracle.ours(snippet), ANSWERS[snippet]
    assert oracle.agree(mine, their), (mine, their)


@pytest.mark.parametrize("snippet", KNOWN_DIFFERENCES, ids=lambda text: text[:40])
def test_a_known_difference_is_still_one(snippet: str) -> None:
    assert not oracle.agree(oracle.ours(snippet), ANSWERS[snippet])


@pytest.mark.skipif(not BINARY, reason="needs the starlark command, UPRIGHT_TEST_STARLARK")
def test_the_stored_answers_are_what_starlark_go_says() -> None:
    said = {text: oracle.theirs(text, BINARY) for text in ANSWERS}
    assert said == ANSWERS
