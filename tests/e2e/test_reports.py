"""What whole runs leave for others to read, however they end."""

from __future__ import annotations

import base64
import html
import json
import signal
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.leftovers import pause

if TYPE_CHECKING:
    from tests.e2e.project import Outcome, Project
    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SCHEMA = Path(__file__).parents[2] / "openapi/spec/report.schema.json"
FILES = ("--report=report.json", "--report-html=page", "--junit=junit.xml", "--output-snapshot-on-exit=snapshot.json")
FAILING = """
local_resource("db", "echo first; exit 3", allow_parallel=True)
local_resource("web", "true", resource_deps=["db"])
local_resource("fine", "echo all is well", allow_parallel=True)
"""


def reports(project: Project, outcome: Outcome) -> Json:
    """Check that all reports are there, whole, and say what the process said; return the JSON one."""
    report: Json = json.loads((project.folder / "report.json").read_text())
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(report)
    assert report["verdict"]["exitCode"] == outcome.code
    if outcome.code:
        assert outcome.last == f"Error: {report['verdict']['reason']}"
    tree = ET.fromstring((project.folder / "junit.xml").read_text())
    assert bool(int(tree.attrib["failures"]) + int(tree.attrib["errors"])) == bool(outcome.code)
    page = (project.folder / "page").read_text()
    assert report["verdict"]["state"] in page
    assert page.endswith("</html>\n")
    assert json.loads((project.folder / "snapshot.json").read_text())["view"]["isComplete"]
    assert not [one for one in project.folder.iterdir() if one.name.startswith(".")]
    return report


def test_a_healthy_run_says_how_long_each_took(project: Project) -> None:
    project.tiltfile('local_resource("a", "true")\nlocal_resource("b", "sleep 0.3", resource_deps=["a"])')
    outcome = project.ci(*FILES)
    assert outcome.code == 0, outcome
    report = reports(project, outcome)
    assert [leg["resource"] for leg in report["criticalPath"]] == ["(Tiltfile)", "a", "b"]
    assert outcome.out.splitlines()[-1] == "SUCCESS. All workloads are healthy."
    assert "critical path: a " in outcome.out


def test_a_failed_run_has_all_failures_and_what_they_hold_back(project: Project) -> None:
    project.tiltfile(FAILING)
    outcome = project.ci(*FILES, "--fail-fast=never")
    assert outcome.code == 1, outcome
    report = reports(project, outcome)
    assert [(one["resource"], one["heldBack"]) for one in report["failures"]] == [("db", ["web"])]
    assert {one["name"]: one["state"] for one in report["resources"]} == {
        "(Tiltfile)": "healthy",
        "db": "failed",
        "web": "held-back",
        "fine": "healthy",
    }


def test_a_run_out_of_time_has_its_reports(project: Project) -> None:
    project.tiltfile('local_resource("long", "sleep 1000")')
    outcome = project.ci(*FILES, "--timeout=1s")
    assert outcome.code == 124, outcome
    assert reports(project, outcome)["resources"][1]["state"] == "pending"


def test_a_wrong_tiltfile_has_its_reports(project: Project) -> None:
    project.tiltfile("\nlocal_resorce()")
    outcome = project.ci(*FILES)
    assert outcome.code == 5, outcome
    (failure,) = reports(project, outcome)["failures"]
    assert failure["resource"] == "(Tiltfile)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: getattr(one, "name", ""))
def test_an_interrupted_run_has_its_reports(project: Project, number: signal.Signals) -> None:
    project.tiltfile('local_resource("long", "echo begun; sleep 1000")')
    run = project.start(*FILES)
    run.until("│ begun")
    run.signal(number)
    outcome = run.ended()
    assert outcome.code == 128 + number, outcome
    assert reports(project, outcome)["verdict"]["state"] == "interrupted"


def test_a_signal_while_modules_are_imported_ends_in_words(project: Project) -> None:
    project.tiltfile("")
    seen = 0
    for delay in (0.1, 0.14, 0.18, 0.22, 0.26, 0.3, 0.4):
        run = project.start()
        pause(delay)
        run.signal(signal.SIGTERM)
        outcome = run.ended()
        assert "Traceback" not in outcome.err
        if outcome.code == 143:
            assert outcome.last == "Error: interrupted by SIGTERM", outcome
            seen += 1
        else:  # before Python had come to our first line, or after it was said that the Tiltfile has nothing in it
            assert outcome.code in {-signal.SIGTERM, 5}, outcome
    assert seen


def test_a_report_that_cannot_be_written_is_refused_before_anything_runs(project: Project) -> None:
    project.tiltfile('local_resource("a", "touch ran")')
    outcome = project.ci("--junit=none/junit.xml")
    assert outcome.code == 2, outcome
    assert outcome.err.startswith("Error: --junit=none/junit.xml: the folder ")
    assert not (project.folder / "ran").exists()


def test_a_quiet_run_prints_only_what_failed_but_keeps_everything(project: Project) -> None:
    project.tiltfile(FAILING)
    outcome = project.ci("--log=failures", "--fail-fast=never")
    assert outcome.code == 1, outcome
    assert "all is well" not in outcome.out
    assert "──── log of db\n" in outcome.out
    assert "\nfirst\n" in outcome.out
    assert "✓ fine" in outcome.out
    logs = outcome.out.partition("all logs: ")[2].splitlines()[0]
    assert "all is well" in "".join(path.read_text() for path in Path(logs).glob("*.log"))


def test_github_gets_folds_annotations_and_a_summary(project: Project) -> None:
    project.tiltfile(FAILING)
    summary = project.home.parent / "summary.md"
    summary.write_text("before\n")
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    outcome = replace(project, environ=variables).ci("--log=github", "--fail-fast=never")
    assert outcome.code == 1, outcome
    assert "::group::fine " in outcome.out
    assert "::group::db" not in outcome.out
    assert "::error title=db%3A command-failed::Cmd/db:update: " in outcome.out
    assert summary.read_text().startswith("before\n## ❌ upright ci: failed\n")


def test_json_is_an_object_a_line_to_the_end(project: Project) -> None:
    project.tiltfile(FAILING)
    outcome = project.start("--log=json", "--fail-fast=never").ended()
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert any(line.get("resource") == "fine" and line["text"] == "all is well" for line in lines)
    assert lines[-1]["verdict"]["exitCode"] == outcome.code == 1
    assert lines[-1]["failures"][0]["resource"] == "db"


@pytest.mark.engine
def test_a_secret_reaches_neither_the_terminal_nor_a_file(project: Project) -> None:
    value = 'pa&ss "w<o>rd"/100%'
    forms = {
        value,
        base64.b64encode(value.encode()).decode(),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        html.escape(value),
    }
    project.write("forms.txt", "".join(f"it is {form}.\n" for form in sorted(forms - {html.escape(value)})))
    project.tiltfile(
        'local_resource("tells", "cat forms.txt; exit 1", allow_parallel=True)',
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": value}},
    )
    (project.folder / "before").mkdir()
    for one in ("objects.yaml", "forms.txt"):
        (project.folder / one).rename(project.folder / "before" / one)
    project.write("Tiltfile", (project.folder / "Tiltfile").read_text().replace("objects.yaml", "before/objects.yaml"))
    project.write("Tiltfile", (project.folder / "Tiltfile").read_text().replace("forms.txt", "before/forms.txt"))
    outcome = project.ci(*FILES, "--fail-fast=never")
    assert outcome.code == 1, outcome
    written = {path.name: path.read_text() for path in project.folder.iterdir() if path.is_file()}
    for name, text in (written | {"stdout": outcome.out, "stderr": outcome.err}).items():
        assert not [form for form in forms if form in text], name
    assert "[redacted secret s:password]" in outcome.out
    assert "[redacted secret s:password]" in written["report.json"]
