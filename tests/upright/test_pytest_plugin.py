"""The fixture ``upright`` in projects of their own: alone, and with workers of the real pytest-xdist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import psutil
import pytest

from upright.session import RunFailed, Session
from upright.shared_run import Desk, NoRun, asked

pytest_plugins = "pytester"
pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(120)]

TILTFILE = (
    "ci_settings(stable_for='100ms')\n"
    "local_resource('web', cmd='echo run >> runs', serve_cmd='echo $$ >> servers; exec sleep 300')\n"
)
BROKEN = "local_resource('bad', cmd='echo no good; exit 3')\n"
TESTS = """
import os
import pytest

@pytest.mark.parametrize("number", range(4))
def test_web(upright, number, worker_id="none"):
    assert upright.resources()["web"]["status"]["updateStatus"] == "ok"
    with open("seen", "a") as seen:
        seen.write(f"{os.environ.get('PYTEST_XDIST_WORKER', 'none')} {upright.url}\\n")
"""
FAILING = "def test_web(upright):\n    assert upright.verdict == 'wished'\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a home of its own."""
    for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TILT_DEV_DIR", "TMPDIR"):
        (pytester.path / name.lower()).mkdir()
        monkeypatch.setenv(name, str(pytester.path / name.lower()))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    pytester.makefile("", Tiltfile=TILTFILE)
    pytester.makepyfile(test_it=TESTS)
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    plugins = ["-p", "no:looptime_plugin", "-p", "no:cacheprovider"]
    if not entry_points(group="pytest11", name="upright"):  # installed before the plugin was there
        plugins += ["-p", "upright.pytest_plugin"]
    return project.runpytest_subprocess(*plugins, *arguments, timeout=100)


def lines(project: pytest.Pytester, name: str) -> list[str]:
    return (project.path / name).read_text().splitlines()


def nothing_runs(project: pytest.Pytester) -> bool:
    return not any(psutil.pid_exists(int(pid)) for pid in lines(project, "servers"))


def leftovers(project: pytest.Pytester) -> list[Path]:
    return list((project.path / "tmpdir").glob("upright-*"))


def test_all_tests_have_one_run_which_is_gone_afterwards(project: pytest.Pytester) -> None:
    run(project).assert_outcomes(passed=4)
    assert len(lines(project, "runs")) == 1
    assert nothing_runs(project)
    assert not leftovers(project)


def test_workers_share_one_run(project: pytest.Pytester) -> None:
    run(project, "-n3", "--dist=each").assert_outcomes(passed=12)
    seen = [line.split() for line in lines(project, "seen")]
    assert {worker for worker, _ in seen} == {"gw0", "gw1", "gw2"}
    assert len({url for _, url in seen}) == 1
    assert len(lines(project, "runs")) == 1
    assert nothing_runs(project)
    assert not leftovers(project)


def test_workers_may_have_one_run_each(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nupright_runs = worker\n")
    run(project, "-n2", "--dist=each").assert_outcomes(passed=8)
    pairs = {tuple(line.split()) for line in lines(project, "seen")}
    assert len(pairs) == len({url for _, url in pairs}) == 2
    assert len(lines(project, "runs")) == 2
    assert nothing_runs(project)


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_report_is_kept_where_tests_fail_and_the_summary_says_where(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project.makepyfile(test_it=FAILING)
    done = run(project, *workers)
    done.assert_outcomes(failed=1)
    kept = re.findall(r"^report: (.*)$", done.stdout.str(), re.MULTILINE)
    assert [Path(path).name for path in kept] == ["upright.html", "upright.json"]
    assert "Running cmd: echo run" in Path(kept[0]).read_text()
    assert nothing_runs(project)


def test_what_does_not_become_healthy_fails_the_tests_with_its_cards(project: pytest.Pytester) -> None:
    project.makefile("", Tiltfile=BROKEN)
    for workers in ((), ("-n2",)):
        done = run(project, *workers)
        done.assert_outcomes(errors=4)
        done.stdout.fnmatch_lines(["*✗ bad: *", "*no good*", "report: *upright.html"])


def test_options_of_the_command_line_outweigh_those_of_the_file(project: pytest.Pytester) -> None:
    project.makefile("", Other=TILTFILE.replace("'web'", "'web', labels=['other']"))
    project.makepyfile(
        test_it="def test_it(upright):\n    assert upright.resources()['web']['spec']['labels'] == ['other']\n"
    )
    project.makeini(
        "[pytest]\nupright_tiltfile = None\nupright_report_dir = reports\nupright_flags = --fail-fast=never\n"
    )
    run(project, "--upright-tiltfile=Other", "--upright-timeout=1m").assert_outcomes(passed=1)
    assert sorted(path.name for path in (project.path / "reports").iterdir()) == ["upright.html", "upright.json"]
    refused = run(project, "--upright-runs=some")
    refused.stderr.fnmatch_lines(['*upright_runs: "some" is none of shared, worker*'])


def test_out_of_time_is_said(project: pytest.Pytester) -> None:
    project.makefile("", Tiltfile="local_resource('slow', cmd='sleep 300')\n")
    done = run(project, "--upright-timeout=1s", "-k0")
    done.assert_outcomes(errors=1, deselected=3)
    done.stdout.fnmatch_lines(["*upright: timeout: *"])


def test_where_the_fixture_is_not_used_nothing_is_begun(project: pytest.Pytester) -> None:
    project.makepyfile(test_it="def test_it():\n    pass\n")
    run(project, "-n2").assert_outcomes(passed=1)
    assert not (project.path / "runs").exists()
    assert not leftovers(project)


def test_a_test_session_that_is_killed_leaves_no_process(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="def test_it(upright):\n    open('ready', 'w').write('now')\n    open('never').read()\n",
    )
    for fifo in ("ready", "never"):
        os.mkfifo(project.path / fifo)
    command = [sys.executable, "-m", "pytest", "-n2", "-p", "no:looptime_plugin", "-p", "no:cacheprovider"]
    if not entry_points(group="pytest11", name="upright"):
        command += ["-p", "upright.pytest_plugin"]
    with subprocess.Popen(command, cwd=project.path, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as killed:
        (project.path / "ready").read_text()
        family = psutil.Process(killed.pid).children(recursive=True)
        killed.kill()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    assert nothing_runs(project)


def test_a_desk_begins_its_run_once_and_tells_everybody() -> None:
    begun: list[int] = []
    ended: list[int] = []

    def begin() -> Session:
        begun.append(1)
        return Session("http://localhost:1", {"verdict": {"state": "healthy"}})

    desk = Desk(begin, lambda: ended.append(1))
    assert [asked(desk.address).url for _ in range(3)] == ["http://localhost:1"] * 3
    assert asked(desk.address).verdict == "healthy"
    desk.close()
    assert (begun, ended) == ([1], [1])


def test_a_desk_tells_everybody_what_failed() -> None:
    def begin() -> Session:
        raise RunFailed(Session(), "failed: no good")

    desk = Desk(begin, lambda: None)
    for _ in range(2):
        with pytest.raises(NoRun, match="failed: no good"):
            asked(desk.address)
    desk.close()
