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


def test_commands_get_their_environment_and_their_folders(project: Project) -> None:
    (project.folder / "sub").mkdir()
    (project.folder / "other").mkdir()
    project.tiltfile(
        'local_resource("both", "echo update: $A $B $TILT_HOST $(basename $PWD)", env={"A": "one"}, dir="sub",\n'
        '  serve_cmd=["sh", "-c", "echo server: $A $B $(basename $PWD) $LINES; exec sleep 1000"],\n'
        '  serve_env={"B": "two", "LINES": "5"}, serve_dir="other")\n'
    )
    outcome = project.ci()
    assert outcome.code == 0, outcome
    assert "         both │ update: one localhost sub\n" in outcome.out
    assert "         both │ server: two other 5\n" in outcome.out


def test_only_what_may_runs_beside_others(project: Project) -> None:
    """Each takes a lock that it finds taken if another one has it."""
    one = "mkdir lock 2>/dev/null && { sleep 0.4; rmdir lock; echo alone; } || echo beside"
    project.tiltfile("".join(f"local_resource('r{n}', '{one}')\n" for n in range(3)))
    assert project.ci().out.count("│ alone\n") == 3
    project.tiltfile("".join(f"local_resource('r{n}', '{one}', allow_parallel=True)\n" for n in range(3)))
    outcome = project.ci()
    assert outcome.out.count("│ alone\n") < 3, outcome


@pytest.mark.parametrize(
    "probe",
    [
        "tcp_socket=tcp_socket_action(port=18467)",
        'exec=exec_action(["sh", "-c", "test -e up"])',
        "http_get=http_get_action(port=18467)",
    ],
    ids=["tcp", "exec", "http"],
)
def test_a_server_is_ready_when_its_probe_passes_and_not_before(project: Project, probe: str) -> None:
    serve = "sleep 0.5; touch up; exec busybox httpd -f -p 127.0.0.1:18467"
    project.write("index.html", "hello\n")
    project.tiltfile(
        f"local_resource('api', serve_cmd='{serve}', readiness_probe=probe(period_secs=1, {probe}))\n"
        "local_resource('after', 'ls up', resource_deps=['api'])\n"
    )
    outcome = project.ci()
    assert outcome.code == 0, outcome
    assert "        after │ up\n" in outcome.out


def test_what_a_server_started_is_told_to_go_and_goes_with_it(project: Project) -> None:
    cleanup = "trap 'sleep 0.2; touch cleaned; exit 0' TERM"
    project.tiltfile(f'local_resource("api", serve_cmd="{cleanup}; sleep 1011 & setsid sleep 1012 & echo up; wait")\n')
    outcome = project.ci()
    assert outcome.code == 0, outcome
    assert (project.folder / "cleaned").exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [("exit 5", "exit status 5"), ("kill -9 $$", "signal: killed"), ("kill -TERM $$", "signal: terminated")],
)
def test_how_a_command_ended_is_said_in_tilts_words(project: Project, script: str, reason: str) -> None:
    project.tiltfile(f'local_resource("gone", "{script}")')
    outcome = project.ci()
    assert outcome.code == 1, outcome
    assert outcome.last.endswith(f'Command "{script}" failed: {reason}')
