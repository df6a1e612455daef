"""upright replay, on the golden records: other settings, another moment, and records that are damaged or end early."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.golden.record import HERE
from upright.client.cli.__main__ import main
from upright.controllers.record.record_file import NotARecord, read
from upright.openapi.v1alpha1.limits import Limits
from upright.replay import play, report_again

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLUSTERS = ("embedded", "real")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_smaller_crash_budget_ends_an_old_run_earlier(cluster: str) -> None:
    file = HERE / cluster / "exits-7.record"
    before, now = report_again(play(file)), report_again(play(file, Limits(crash_budget=1)))
    assert [card.rule for card in now.failures] == ["crash-loop"]
    assert now.failures[0].message == "exited with code 7, once"
    assert now.failures[0].logs[:1] == ("there is no database",)
    assert now.seconds is not None
    assert before.seconds is not None
    assert now.seconds < before.seconds / 2


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_limit_is_met_between_two_observations(cluster: str) -> None:
    report = report_again(
        play(HERE / cluster / "too-big.record", Limits.model_validate({"unschedulable_timeout": "3s"}))
    )
    assert [card.rule for card in report.failures] == ["unschedulable"]
    since = report.failures[0].since
    assert since is not None
    assert report.finish_time is not None
    assert (report.finish_time - since).total_seconds() == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_what_became_well_late_is_red_by_a_crash_budget_of_one(cluster: str) -> None:
    report = report_again(play(HERE / cluster / "recovers.record", Limits(crash_budget=1)))
    assert [card.rule for card in report.failures] == ["crash-loop"]


def test_a_record_that_ends_before_the_other_limits_are_met_cannot_tell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["replay", str(HERE / "embedded/exits-7.record"), "--set", "crash_budget=9"])
    assert code == 3
    assert "after the start, before a verdict by these limits" in capsys.readouterr().err


def test_a_moment_shows_what_each_resource_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(HERE / "embedded/exits-7.record"), "--until", "5s", "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["seconds"], told["verdict"], told["failures"]) == (5.0, "pending", [])
    assert [row["name"] for row in told["resources"]] == ["(Tiltfile)", "web"]
    assert "CrashLoopBackOff" in told["resources"][1]["waitsFor"]


def test_a_date_is_a_moment_too(capsys: pytest.CaptureFixture[str]) -> None:
    file = HERE / "embedded/exits-7.record"
    finish = read(file)[-1]["report"]["finishTime"]
    assert main(["replay", str(file), "--until", finish]) == 0
    assert "rule:  crash-loop" in capsys.readouterr().out


def test_the_files_of_a_replay_are_those_of_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = HERE / "real/exits-7.record"
    report, junit = tmp_path / "report.json", tmp_path / "junit.xml"
    assert main(["replay", str(file), "--report", str(report), "--junit", str(junit)]) == 1
    assert json.loads(report.read_text()) == read(file)[-1]["report"]
    assert 'name="web:runtime"' in junit.read_text()
    assert capsys.readouterr().err.endswith("exited with code 7, 3 times\n")


def _torn(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def _another_format(data: bytes) -> bytes:
    return gzip.compress(gzip.decompress(data).replace(b'"upright-record":1', b'"upright-record":99'))


def _without_a_field(data: bytes) -> bytes:
    return gzip.compress(gzip.decompress(data).replace(b'"before":', b'"after":'))


def test_a_record_that_a_crash_cut_shows_how_far_it_came(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "record"
    file.write_bytes(_torn((HERE / "real/exits-7.record").read_bytes()))
    assert main(["replay", str(file)]) == 3
    said = capsys.readouterr()
    assert "before a verdict" in said.err
    assert re.search(r"^web +ok +pending", said.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(_another_format, "no record of format 1"), (_without_a_field, r"entry \d+ of the record cannot be read")],
)
def test_what_cannot_be_played_is_told(tmp_path: Path, spoil: Callable[[bytes], bytes], why: str) -> None:
    file = tmp_path / "record"
    file.write_bytes(spoil((HERE / "real/exits-7.record").read_bytes()))
    with pytest.raises(NotARecord, match=why):
        play(file)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--set", "crash_budgt=1"], 'did you mean "crash_budget"'),
        (["--until", "soon"], "neither a time from the start"),
        (["--until", "2020-01-01T00:00:00Z"], "the run began at"),
        (["--speed", "0"], "a number above 0"),
        (["--report", "/nowhere/report.json"], "does not exist"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(HERE / "embedded/local.record"), *arguments]) == 2
    assert why in capsys.readouterr().err
