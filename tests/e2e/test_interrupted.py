"""Runs that are told to go, or killed, at any moment: nothing is left, and the database opens."""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING

import pytest

from tests.e2e.leftovers import pause
from tests.e2e.objects import container, deployment
from tests.e2e.project import KILLED, is_free

if TYPE_CHECKING:
    from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow]

BUSY = """
local_resource("quick", "true")
local_resource("slow", "setsid sleep 1003 & sleep 1002 & sleep 1001", allow_parallel=True)
local_resource("api", serve_cmd="sleep 1004 & sleep 1005", allow_parallel=True)
"""
DEPLOYED = "          web │ up\n"


def busy(project: Project) -> Project:
    """Return the project with a build, a deployment that never gets ready, and commands that go on for ever."""
    never = container(script="echo up; exec sleep 1000", readinessProbe={"exec": {"command": ["false"]}})
    project.tiltfile(BUSY, deployment("web", never, replicas=2))
    project.write("image/Dockerfile", f"{(project.folder / 'image/Dockerfile').read_text()}RUN sleep 1\n")
    return project


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=lambda one: getattr(one, "name", "")
)
@pytest.mark.parametrize(
    "moment", ["Upright started on", "Loading Tiltfile", "Building Dockerfile", "Objects applied", "│ up"]
)
def test_a_signal_ends_a_run_in_order(project: Project, number: signal.Signals, code: int, moment: str) -> None:
    run = busy(project).start()
    run.until(moment)
    run.signal(number)
    outcome = run.ended()
    assert outcome.code == code, outcome
    assert outcome.last == f"Error: interrupted by {number.name}"
    assert outcome.session["status"]["verdict"]["exitCode"] == code
    assert is_free(run.port)


def test_a_signal_before_anything_is_imported_ends_it_too(project: Project) -> None:
    project.tiltfile("")
    for delay in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3):
        run = project.start()
        pause(delay)
        run.signal(signal.SIGTERM)
        outcome = run.ended()
        assert outcome.code in {143, -signal.SIGTERM}, f"after {delay} s: {outcome}"
        assert "Traceback" not in outcome.err


def test_a_second_signal_ends_at_once_what_takes_its_time(project: Project) -> None:
    project.tiltfile(
        """local_resource("deaf", serve_cmd="trap '' TERM INT; echo deaf; while true; do sleep 0.1; done")"""
    )
    run = project.start()
    run.until("│ deaf")
    run.signal(signal.SIGINT)
    run.until("s for process to exit")
    run.signal(signal.SIGINT)
    outcome = run.ended(seconds=5)
    assert outcome.code == 130, outcome


@pytest.mark.parametrize("seed", range(6))
def test_what_is_killed_leaves_nothing(project: Project, seed: int) -> None:
    moment = random.Random(seed).uniform(0.2, 4)
    run = busy(project).start()
    pause(moment)
    run.signal(signal.SIGKILL)
    outcome = run.ended()
    assert outcome.code == KILLED, outcome
    if (outcome.folder / "state.db").exists():
        assert len(outcome.sessions) <= 1
    assert not outcome.out or is_free(run.port)


def test_the_next_run_after_a_killed_one_clears_its_folder(project: Project) -> None:
    run = busy(project).start()
    run.until("│ up")
    run.signal(signal.SIGKILL)
    killed = run.ended()
    project.tiltfile("", deployment("web", container()))
    outcome = project.ci()
    assert outcome.code == 0, outcome
    assert not list((killed.folder / "engine").glob("*.sock"))
    assert not (killed.folder / "engine/data").exists()
