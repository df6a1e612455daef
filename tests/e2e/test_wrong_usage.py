"""What is wrong with the Tiltfile or the command line is said with its place, before anything is started."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow]


def test_a_tiltfile_error_is_said_with_its_place_and_source_line(project: Project) -> None:
    project.tiltfile('local_resource("a", "true")\n\nlocal_resource("b", "true", resource_dep=["a"])\n')
    outcome = project.ci()
    assert outcome.code == 5, outcome
    assert outcome.last.startswith(f"Error: {project.folder}/Tiltfile:3:1: local_resource: ")
    assert "did you mean resource_deps?" in outcome.last
    assert '    local_resource("b", "true", resource_dep=["a"])\n' in outcome.out
    assert outcome.session["status"]["verdict"]["exitCode"] == 5


def test_a_syntax_error_is_said_with_line_and_column(project: Project) -> None:
    project.tiltfile('x = 1\nlocal_resource("a", "true"\n')
    outcome = project.ci()
    assert outcome.code == 5, outcome
    assert outcome.last == f"Error: {project.folder}/Tiltfile:2:15: '(' was never closed"
    assert '    local_resource("a", "true"\n' in outcome.out


def test_a_missing_tiltfile_is_said_with_where_it_was_looked_for(project: Project) -> None:
    outcome = project.ci()
    assert outcome.code == 5, outcome
    assert f"No Tiltfile found at paths '{project.folder}/Tiltfile'" in outcome.last


def test_an_unknown_resource_is_wrong_usage(project: Project) -> None:
    project.tiltfile('local_resource("web", "true")')
    outcome = project.ci("wbe")
    assert outcome.code == 2, outcome
    assert 'could not be found: "wbe"' in outcome.last
    assert 'Existing resources in Tiltfile: "web"' in outcome.last
    assert outcome.session["status"]["verdict"]["exitCode"] == 2


def test_an_unknown_flag_is_wrong_usage(project: Project) -> None:
    outcome = project.ci("--no-such-flag")
    assert outcome.code == 2
    assert outcome.err.startswith("Error: unknown flag: --no-such-flag\n")
    assert not outcome.out


def test_a_port_that_is_taken_is_said_at_once(project: Project) -> None:
    project.tiltfile('local_resource("web", "true")')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = project.ci(f"--port={port}")
    assert outcome.code == 2
    assert str(port) in outcome.last
    assert not outcome.out
