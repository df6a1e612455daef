"""Recorded runs, from the embedded cluster and from a real Kubernetes: a replay comes to what the run came to, byte for byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.golden.record import EXPECTED, HERE, came_to
from upright.replay import play, report_again, report_text

if TYPE_CHECKING:
    from upright.openapi.meta import Json

_EXPECTED: dict[str, Json] = json.loads(EXPECTED.read_text())


@pytest.mark.parametrize("case", sorted(_EXPECTED))
def test_a_recorded_run_comes_to_the_same_verdict_and_report(case: str) -> None:
    played = play(HERE / f"{case}.record")
    report = report_again(played)
    assert came_to(report.to_wire()) == _EXPECTED[case]
    assert report_text(report) == json.dumps(played.report, indent=2, ensure_ascii=False) + "\n"


def test_every_record_is_expected_to_come_to_something() -> None:
    assert {str(path.relative_to(HERE).with_suffix("")) for path in HERE.glob("*/*.record")} == set(_EXPECTED)


@pytest.mark.parametrize("case", sorted(_EXPECTED))
def test_no_record_tells_of_the_machine_it_was_made_on(case: str) -> None:
    played = play(HERE / f"{case}.record")
    assert (played.about["tiltfile"], played.about["logs"]) == ("/project/Tiltfile", "/run/logs")
