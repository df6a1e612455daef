"""Commands on this machine: updates, servers, and the time that they may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow]


def test_a_failing_command_is_told_with_its_output_and_what_it_held_back(project: Project) -> None:
    project.tiltfile(
        'local_resource("gen", "echo making; echo no such luck >&2; exit 3")\n'
        'local_resource("after", "true", resource_deps=["gen"])\n'
    )
    outcome = project.ci()
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: gen: ")
    assert outcome.last.endswith("exit status 3")
    assert "          gen │ no such luck\n" in outcome.out
    assert outcome.card["rule"] == "command-failed"
    assert {"making", "no such luck"} <= set(outcome.card["logs"])
    assert outcome.card["heldBack"] == ["after"]


def test_a_server_that_ends_is_a_failure_whatever_its_exit_code(project: Project) -> None:
    project.tiltfile('local_resource("api", serve_cmd="echo that is all; exit 0")')
    outcome = project.ci()
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: api: ")
    assert outcome.last.endswith("the server (serve_cmd) exited with code 0")
    assert outcome.card["exitCode"] == 0
    assert "that is all" in outcome.card["logs"]


def test_a_server_is_ready_when_its_probe_says_so_and_is_ended_with_the_run(project: Project) -> None:
    project.write("site/index.html", "hello\n")
    serve = "echo $$ > pid; sleep 0.5; exec busybox httpd -f -p 127.0.0.1:18461 -h site"
    project.tiltfile(
        f'local_resource("api", serve_cmd="{serve}",\n'
        '  readiness_probe=probe(period_secs=1, http_get=http_get_action(port=18461, path="/index.html")))\n'
        'local_resource("ask", "busybox wget -q -O - http://127.0.0.1:18461/index.html", resource_deps=["api"])\n'
    )
    outcome = project.ci()
    assert outcome.code == 0, outcome
    assert "          ask │ hello\n" in outcome.out
    assert outcome.out.endswith("SUCCESS. All workloads are healthy.\n")


def test_a_run_that_is_out_of_time_says_what_it_waited_for(project: Project) -> None:
    project.tiltfile('local_resource("slow", "sleep 1000")')
    outcome = project.ci("--timeout=1s")
    assert outcome.code == 124, outcome
    assert outcome.last == "Error: Timeout after 1s: 1 resources not ready (slow:update)"
    assert outcome.session["status"]["verdict"]["state"] == "timeout"


def test_a_reader_that_goes_away_does_not_hold_up_the_run(project: Project) -> None:
    project.tiltfile('local_resource("talk", "seq 20000")\nlocal_resource("web", serve_cmd="sleep 1000")')
    ended = project.first_line()
    assert ended.stdout.startswith("Upright started on")
    assert (ended.returncode, ended.stderr) == (0, "")
