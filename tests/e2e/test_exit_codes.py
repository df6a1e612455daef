"""Every exit code is reached by a run, and the process, the Session, the report and the last line say the same."""

from __future__ import annotations

import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.e2e.conftest import nothing_left
from tests.e2e.objects import config_map, container, deployment
from tests.e2e.project import ENGINES, new_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.project import Outcome, Project
    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(180)]

AT_ONCE = 4
USAGE = 2
FAILS = 'local_resource("fails", "exit 9", allow_parallel=True)\n'
HANGS = 'local_resource("hangs", "sleep 1000", allow_parallel=True)\n'
BEGINS = 'local_resource("begins", "echo begun; sleep 1000")\n'
LATE = 'local_resource("late", serve_cmd="sleep 1000", readiness_probe=probe(period_secs=1, exec=exec_action(["false"])))\n'
NOWHERE = """
apiVersion: v1
kind: Config
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: nowhere, user: {}}]
contexts: [{name: nowhere, context: {cluster: nowhere, user: nowhere}}]
current-context: nowhere
"""


class Case(NamedTuple):
    """A run, and its exit code; ``state`` is its verdict's, empty where nothing was begun. ``number``: it is sent this signal."""

    name: str
    code: int
    state: str
    tiltfile: str | None = ""
    flags: tuple[str, ...] = ()
    objects: tuple[Json, ...] = ()
    number: signal.Signals | None = None
    hidden: tuple[str, ...] = ()
    kubeconfig: str = ""


CASES = (
    Case("healthy", 0, "healthy", 'local_resource("a", "true")'),
    Case("nothing-to-do", 0, "healthy", 'local_resource("a", "true", auto_init=False)'),
    Case("command-fails", 1, "failed", FAILS),
    Case("server-ends", 1, "failed", 'local_resource("a", serve_cmd="true")'),
    Case("apply-refused", 1, "failed", "", objects=(deployment("a", container(), replicas=-1),)),
    Case("limit-of-a-resource", 1, "failed", f'{LATE}ci_settings(readiness_timeout="1s")'),
    Case("failure-before-time", 1, "failed", FAILS + HANGS, ("--fail-fast=never", "--timeout=3s")),
    Case("unknown-resource", 2, "failed", 'local_resource("web", "true")', ("wbe",)),
    Case("unknown-flag", 2, "", "", ("--no-such-flag",)),
    Case("unknown-limit", 2, "", "", ("--set=no_such_limit=1",)),
    Case("no-folder-for-a-report", 2, "", "", ("--junit=none/junit.xml",)),
    Case("port-taken", 2, "", "", ("--port=TAKEN",)),
    Case("no-engine", 3, "unknown", "", objects=(config_map("a", b="c"), deployment("a", container())), hidden=ENGINES),
    Case(
        "no-cluster",
        3,
        "unknown",
        "allow_k8s_contexts('nowhere')\nk8s_yaml('a.yaml')",
        ("--cluster=auto",),
        kubeconfig=NOWHERE,
    ),
    Case("broken-database", 3, "", FAILS, ("--database=kubeconfig",), kubeconfig=NOWHERE),
    Case("wrong-tiltfile", 5, "failed", "local_resorce()"),
    Case("no-tiltfile", 5, "failed", None),
    Case("wrong-tiltfile-and-no-cluster", 5, "failed", "fail('no')", ("--cluster=auto",), kubeconfig=NOWHERE),
    Case("out-of-time", 124, "timeout", HANGS, ("--timeout=1s",)),
    Case("out-of-the-tiltfiles-time", 124, "timeout", f'{HANGS}ci_settings(timeout="1s")'),
    Case("interrupted", 130, "interrupted", BEGINS, number=signal.SIGINT),
    Case("terminated", 143, "interrupted", BEGINS, number=signal.SIGTERM),
)


class Ran(NamedTuple):
    """How a case ended, and what its report says."""

    outcome: Outcome
    report: Json | None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> dict[str, Ran]:
    """Run all cases; several at once, for most of their time is waiting."""
    with socket.create_server(("127.0.0.1", 0)) as taken, nothing_left():
        port = taken.getsockname()[1]

        def ended(case: Case) -> Ran:
            return _ran(case, new_project(tmp_path_factory.mktemp(case.name), cache), port)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            found = dict(zip((case.name for case in CASES), threads.map(ended, CASES), strict=True))
    return found


def _ran(case: Case, project: Project, taken: int) -> Ran:
    if case.kubeconfig:
        project = replace(project, environ={"KUBECONFIG": str(project.write("kubeconfig", case.kubeconfig))})
        project.write("a.yaml", json.dumps(config_map("a", b="c")))
    if case.tiltfile is not None:
        project.tiltfile(case.tiltfile, *case.objects)
    flags = [flag.replace("TAKEN", str(taken)) for flag in case.flags]
    running = project.start("--report=report.json", *flags, hidden=case.hidden)
    if case.number is not None:
        running.until("│ begun")
        running.signal(case.number)
    outcome = running.ended()
    written = project.folder / "report.json"
    return Ran(outcome, json.loads(written.read_text()) if written.exists() else None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_run_ends_with_its_code_and_everybody_says_the_same(run: dict[str, Ran], case: Case) -> None:
    outcome, report = run[case.name]
    assert outcome.code == case.code, outcome
    assert outcome.err.startswith("Error: ") == bool(case.code), outcome
    if case.code == USAGE and not case.state:
        assert (report, outcome.out) == (None, "")
        return
    assert report is not None
    assert report["verdict"]["exitCode"] == case.code
    assert not case.code or outcome.last == f"Error: {report['verdict']['reason']}"
    if case.state:
        status = outcome.session["status"]
        assert status["done"]
        assert status["verdict"].items() >= report["verdict"].items()
        assert (status["verdict"]["state"], status["verdict"]["exitCode"]) == (case.state, case.code)


def test_every_code_has_a_case() -> None:
    assert {case.code for case in CASES} == {0, 1, 2, 3, 5, 124, 130, 143}


def test_a_folder_of_an_earlier_run_is_used_again_and_what_is_not_of_runs_stays(project: Project) -> None:
    project.write("state/mine", "stays")
    project.tiltfile('local_resource("a", "exit 1")')
    assert project.ci("--state=state").code == 1
    project.tiltfile('local_resource("a", "true")')
    outcome = project.ci("--state=state")
    assert outcome.code == 0, outcome
    assert replace(outcome, folder=project.folder / "state").session["status"]["verdict"]["state"] == "healthy"
    assert (project.folder / "state/mine").read_text() == "stays"


def test_a_folder_in_which_a_run_goes_on_is_refused(project: Project) -> None:
    project.tiltfile(BEGINS)
    running = project.start("--state=state")
    running.until("│ begun")
    second = project.start("--state=state").ended()
    assert second.code == 2, second
    assert f"run {running.process.pid} goes on there; name another folder" in second.last
    running.signal(signal.SIGINT)
    assert running.ended().code == 130
