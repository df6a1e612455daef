"""Programs made by chance never surprise the evaluator; with starlark-go at hand, both do the same."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

from tests.controllers.tiltfile.language import oracle
from tests.controllers.tiltfile.language.programs import programs

BINARY = os.environ.get("UPRIGHT_TEST_STARLARK", "")
EXAMPLES = int(os.environ.get("UPRIGHT_TEST_PROGRAMS", "200"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(programs)
def test_a_program_made_by_chance_does_what_starlark_go_does(program: str) -> None:
    mine = oracle.ours(program)
    assert "internal error" not in mine.error, program
    if BINARY:
        their = oracle.theirs(program, BINARY)
        assert oracle.agree(mine, their), (program, mine, their)
