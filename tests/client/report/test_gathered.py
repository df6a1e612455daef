from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.client.report.reports import START, at, report, resource, session
from upright.client.report.gathered import report_of
from upright.client.report.summary import summary_lines, took
from upright.openapi.report import Leg, schema
from upright.openapi.v1alpha1.session import Session, SessionSpec

PUBLISHED = Path(__file__).parents[3] / "openapi/spec/report.schema.json"


def test_a_report_says_how_each_resource_did() -> None:
    made = report()
    assert {one.name: one.state for one in made.resources} == {
        "(Tiltfile)": "healthy",
        "db": "healthy",
        "web": "failed",
        "api": "held-back",
        "slow": "pending",
    }
    web = next(one for one in made.resources if one.name == "web")
    assert (web.update_seconds, web.seconds, web.held_back_by) == (1.0, 1.0, ())
    assert next(one for one in made.resources if one.name == "api").held_back_by == ("web",)
    assert (made.seconds, made.start_time, made.finish_time) == (4.5, START, at(4.5))


def test_the_critical_path_leads_back_over_what_each_waited_for() -> None:
    assert report().critical_path == (
        Leg(resource="(Tiltfile)", waited_seconds=0, seconds=0.5),
        Leg(resource="db", waited_seconds=0.5, seconds=2),
        Leg(resource="web", waited_seconds=0, seconds=1),
    )


def test_resources_that_wait_for_each_other_have_a_path_too() -> None:
    made = report_of(
        session(),
        [resource("a", begun=1, ready=2, needs=("b",)), resource("b", begun=1, ready=3, needs=("a",))],
        version="1",
    )
    assert [leg.resource for leg in made.critical_path] == ["a", "b"]


def test_a_wrong_tiltfile_is_a_failure_too() -> None:
    (card,) = report(session(reason="Tiltfile:3:1: no such name", failures=())).failures
    assert (card.resource, card.target, card.rule) == ("(Tiltfile)", "tiltfile:update", "tiltfile")
    assert card.message == "Tiltfile:3:1: no such name"


def test_a_run_that_never_began_has_a_report() -> None:
    made = report_of(Session(spec=SessionSpec(tiltfile_path="/T")), (), version="1")
    assert (made.resources, made.critical_path, made.seconds) == ((), (), None)
    assert summary_lines(made) == ""


@pytest.mark.parametrize("state", ["healthy", "failed", "timeout", "unknown", "interrupted"])
def test_reports_are_as_the_published_schema_says(state: str) -> None:
    published = json.loads(PUBLISHED.read_text())
    Draft202012Validator.check_schema(published)
    written = json.loads(json.dumps(report(session(state)).to_wire()))
    Draft202012Validator(published).validate(written)
    del written["verdict"]
    assert list(Draft202012Validator(published).iter_errors(written))


def test_the_published_schema_is_that_of_the_code() -> None:
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(schema()))


def test_the_table_has_times_results_and_the_critical_path() -> None:
    assert summary_lines(report()).splitlines() == [
        "",
        "RESOURCE    RESULT     UPDATE   ALL",
        "(Tiltfile)  healthy      0.5s  0.5s",
        "db          healthy      1.0s  2.0s",
        "web         failed       1.0s  1.0s  command-failed",
        "api         held back                by web",
        "slow        pending      1.0s        not ready",
        "critical path: db 2.0s (after 0.5s) → web 1.0s, of 4.5s in all",
    ]
    assert "\x1b" not in summary_lines(report())
    assert "\x1b[31mfailed   \x1b[0m" in summary_lines(report(), colour=True)


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, ""), (0, "0.0s"), (59.94, "59.9s"), (60, "1m00s"), (3725, "62m05s")]
)
def test_times_are_said_as_people_say_them(seconds: float | None, words: str) -> None:
    assert took(seconds) == words
