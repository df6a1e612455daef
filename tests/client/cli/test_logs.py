"""``upright logs``: of a run that goes on, and of one that has ended."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.client.cli.conftest import environment_in
from upright.client.log_folder import INDEX
from upright.client.logs import encode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.cli.conftest import CommandLine, Served, Staying

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = "20260102-030405-abcdef"
LINES = (
    ("upright", "", "INFO", "begun", None),
    ("build:web", "web", "INFO", "Initial Build", {"buildEvent": "init"}),
    ("cmd:web", "web", "INFO", "hello", None),
    ("cmd:web", "web", "DEBUG", "in detail", None),
    ("cmd:db", "db", "ERROR", "no disk", None),
)


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in the folder of a project of which a run has ended."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "state" / "upright" / "runs" / RUN
    (folder / "logs").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"project": str(tmp_path / "Tiltfile"), "pid": 1}))
    spans: dict[str, dict[str, str]] = {}
    for at, (span, resource, level, text, fields) in enumerate(LINES):
        spans[span] = {"name": span, "resource": resource, "file": f"{span}.log"}
        with (folder / "logs" / f"{span}.log").open("ab") as file:
            file.write(encode(START + timedelta(seconds=at), level, text, fields))
    (folder / "logs" / INDEX).write_text("".join(f"{json.dumps(span)}\n" for span in spans.values()))
    monkeypatch.chdir(tmp_path)
    return folder


def test_without_a_server_the_newest_ended_run_of_this_directory_is_shown_and_that_is_said(
    upright: CommandLine, ended: Path
) -> None:
    code, out, err = upright("logs")
    assert code == 0
    assert out == (
        "begun\n          web │ \n          web │ Initial Build\n          web │ hello\n           db │ ERROR: no disk\n"
    )
    assert err == (
        f"No upright is running: this is the log of {ended.parents[3] / 'Tiltfile'}'s run {RUN}, which has ended.\n"
    )


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (("web",), "Initial Build\nhello\n"),
        (("--resource=web",), "Initial Build\nhello\n"),
        (("web", "-d", "--tail=1"), "in detail\n"),
        (("web,db", "--tail", "2"), "          web │ hello\n           db │ ERROR: no disk\n"),
        (("--level=error", "--resource=db"), "ERROR: no disk\n"),
        (("web", "--source=build"), "Initial Build\n"),
        (("--since=1m",), ""),
        (("--tail=0",), ""),
    ],
)
@pytest.mark.usefixtures("ended")
def test_lines_are_chosen_by_flags(upright: CommandLine, words: tuple[str, ...], out: str) -> None:
    assert upright("logs", *words)[:2] == (0, out)


@pytest.mark.usefixtures("ended")
def test_json_has_the_names_that_tilt_gives(upright: CommandLine) -> None:
    lines = upright("logs", "--json", "web")[1].splitlines()
    assert json.loads(lines[0]) == {
        "time": "2026-01-02T03:04:06.000000Z",
        "resource": "web",
        "level": "info",
        "message": "Initial Build",
        "spanID": "build:web",
        "progressID": "",
        "buildEvent": "init",
        "source": "build",
    }
    assert json.loads(lines[1])["source"] == "runtime"


def test_an_ended_run_is_named_by_its_name_or_its_folder(upright: CommandLine, ended: Path) -> None:
    (ended / "run.json").write_text(json.dumps({"project": "/elsewhere/Tiltfile"}))
    assert upright("logs", "--run", RUN, "db") == (0, "ERROR: no disk\n", "")
    assert upright("logs", "--run", str(ended), "db") == (0, "ERROR: no disk\n", "")
    code, out, err = upright("logs", "--run", RUN.replace("abc", "abd"))
    assert (code, out) == (2, "")
    assert f'did you mean "{RUN}"?' in err


def test_where_there_is_neither_server_nor_run_it_says_how_to_start_one(upright: CommandLine, ended: Path) -> None:
    (ended / "run.json").unlink()
    code, out, err = upright("logs")
    assert (code, out) == (3, "")
    assert 'start one with "upright ci"' in err


@pytest.mark.usefixtures("ended")
def test_a_port_that_is_said_is_not_replaced_by_an_ended_run(upright: CommandLine) -> None:
    assert upright("logs", "--port=1")[:2] == (3, "")


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("wep",), 'there is no resource "wep" (did you mean "web"?)'),
        (("nobody-knows",), 'there is no resource "nobody-knows": there are db, web'),
        (("--since=soon",), '--since: "soon" is no span of time'),
        (("--tail=-2",), '--tail: "-2" is not a whole number'),
        (("--source=mine",), '--source: "mine" is not one of all, build, runtime'),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(upright: CommandLine, words: tuple[str, ...], message: str) -> None:
    code, out, err = upright("logs", *words)
    assert (code, out) == (2, "")
    assert message in err


def test_the_session_is_the_one_that_is_named_else_the_runs_own(beside: CommandLine, served: Served) -> None:
    code, out, err = beside("logs", "--session=Tiltfil")
    assert (code, out) == (2, "")
    assert 'there is no session "Tiltfil" (did you mean "Tiltfile"?)' in err
    served.create("Session", "other", spec={"tiltfilePath": "/other/Tiltfile"})
    assert beside("logs")[:2] == (1, "")  # a server without controllers keeps no logs
    assert beside("logs", "--session=other", "web")[0] == 2
    served.write("DELETE", "/sessions/other", {})


@pytest.mark.slow
def test_logs_of_a_run_that_goes_on(staying: Staying) -> None:
    everything = staying("logs").stdout
    assert "Upright started on" in everything
    assert "          one │ hello from one\n" in everything
    assert "          two │ serving\n" in everything
    one = staying("logs", "one").stdout.splitlines()
    assert one[0] == "Initial Build"
    assert {"hello from one", "careful"} <= set(one)
    assert staying("logs", "one", "--tail=1").stdout.count("\n") == 1
    assert json.loads(staying("logs", "one", "--json", "--tail=1").stdout)["resource"] == "one"
    refused = staying("logs", "ones")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert 'did you mean "one"?' in refused.stderr


@pytest.mark.slow
def test_following_prints_each_line_as_it_comes(staying: Staying) -> None:
    words = [sys.executable, "-m", "upright.client.cli", "logs", "-f", "two", "--tail=1"]
    with subprocess.Popen(
        words, cwd=staying.folder, env=environment_in(staying.folder), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        assert (
            staying("patch", "res/two", "-p", '{"metadata":{"annotations":{"tilt.dev/trigger":"x"}}}').returncode == 0
        )
        said = [process.stdout.readline() for _ in range(3)]
        assert said[0] == "\n"
        assert said[2] == "Running cmd: echo two\n"
        process.terminate()
