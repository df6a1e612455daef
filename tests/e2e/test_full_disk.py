"""A run that can write nothing any more says so, and ends: what it came to could not be kept."""

from __future__ import annotations

import resource
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.project import Project, Running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def full(project: Project) -> Running:
    """Return a run that waits for the file ``go``, and whose files cannot grow any more: as on a full disk."""
    project.tiltfile('local_resource("waits", "echo waiting; until [ -e go ]; do sleep 0.05; done")')
    running = project.start()
    running.until("waiting")
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (1, 1))
    return running


def test_a_run_whose_disk_is_full_cannot_tell(project: Project) -> None:
    running = full(project)
    project.write("go", "")
    outcome = running.ended()
    assert outcome.code == 3, outcome
    assert outcome.last.startswith("Error: cannot tell: what the run comes to cannot be written"), outcome
    assert outcome.err.count("the database refused the write") <= 4, outcome


def test_it_ends_also_when_it_is_told_to(project: Project) -> None:
    running = full(project)
    running.signal(signal.SIGTERM)
    outcome = running.ended()
    assert outcome.code == 3, outcome
    assert "cannot be written" in outcome.last
