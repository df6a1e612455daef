"""Runs keep a record of what they saw: also one that was killed, private, and without secrets."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.e2e.leftovers import pause
from upright.controllers.record.record_file import read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

GOES_ON = 'local_resource("first", "echo first")\nlocal_resource("second", "sleep 1000", resource_deps=["first"])\n'


def _second_runs(file: Path) -> bool:
    """Whether the record has it that the second command runs; its test has a time limit."""
    entries = [entry for entry in read(file) if entry.get("resource") == "second"]
    return any(entry.get("phases") for entry in entries)


def test_a_run_is_played_again_to_the_same_report_byte_for_byte(project: Project) -> None:
    project.tiltfile('local_resource("fails", "echo trouble; exit 4")\nlocal_resource("works", "true")\n')
    outcome = project.ci("--record=run.record", "--report=run.json", "--junit=run.xml")
    again = project.upright("replay", "run.record", "--report=again.json", "--junit=again.xml")
    assert (outcome.code, again.returncode) == (1, 1), again
    for form in ("json", "xml"):
        assert (project.folder / f"again.{form}").read_bytes() == (project.folder / f"run.{form}").read_bytes()
    assert again.stderr.splitlines()[-1] == outcome.last
    assert (project.folder / "run.record").stat().st_mode & 0o777 == 0o600
    assert (outcome.folder / "record").read_bytes() == (project.folder / "run.record").read_bytes()


def test_a_run_that_was_killed_can_be_looked_at(project: Project) -> None:
    project.tiltfile(GOES_ON)
    running = project.start("--record=run.record")
    running.until("Running cmd: sleep 1000")
    while not _second_runs(project.folder / "run.record"):
        pause()
    running.signal(signal.SIGKILL)
    assert running.ended().code == -signal.SIGKILL
    again = project.upright("replay", "run.record")
    assert again.returncode == 3
    assert "before a verdict" in again.stderr
    rows = {line.split()[0]: line.split()[1] for line in again.stdout.splitlines()[3:]}
    assert rows == {"(Tiltfile)": "ok", "first": "ok", "second": "in_progress"}


def test_an_interrupted_run_is_recorded_to_its_end(project: Project) -> None:
    project.tiltfile(GOES_ON)
    running = project.start("--record=run.record", "--report=run.json")
    running.until("Running cmd: sleep 1000")
    running.signal(signal.SIGINT)
    assert running.ended().code == 130
    again = project.upright("replay", "run.record", "--report=again.json")
    assert again.returncode == 130, again
    assert (project.folder / "again.json").read_bytes() == (project.folder / "run.json").read_bytes()


def test_a_record_holds_no_secret(project: Project) -> None:
    project.tiltfile(
        'k8s_yaml(encode_yaml({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"},'
        ' "stringData": {"word": "correct-horse-battery"}}))\n'
        'local_resource("tells", "echo it is correct-horse-battery; exit 1")\n'
    )
    outcome = project.ci("--record=run.record", "--report=run.json")
    text = json.dumps(read(project.folder / "run.record"))
    assert outcome.code == 1, outcome
    assert "correct-horse-battery" not in text
    assert "[redacted secret key:word]" in text
    again = project.upright("replay", "run.record", "--report=again.json")
    assert again.returncode == 1, again
    assert (project.folder / "again.json").read_bytes() == (project.folder / "run.json").read_bytes()
