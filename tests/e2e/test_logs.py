"""What containers and the cluster say reaches the log of a run: all of it, also of those that are no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.objects import config_map, container, deployment, job

if TYPE_CHECKING:
    from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow]

CHATTY = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; printf 'last words'; exit 7"


def test_every_run_of_a_crashing_container_is_read_to_its_end(project: Project) -> None:
    begin = container("begin", "echo before; printf 'all of it'")
    project.tiltfile("", deployment("web", container(script=CHATTY), initContainers=[begin]))
    outcome = project.ci()
    assert outcome.code == 1, outcome
    assert "[begin] before\n" in outcome.out
    assert "[begin] all of it\n" in outcome.out
    lines = outcome.out.splitlines()
    crashes = sum(line.endswith("│ last words") for line in lines)
    assert crashes == 3, outcome
    assert sum("│ line " in line for line in lines) == crashes * 2000
    assert outcome.card["logs"][-1] == "last words"


def test_each_pod_of_a_job_is_read_too(project: Project) -> None:
    project.tiltfile("", job("migrate", container(script="printf 'no table'; exit 9"), backoff_limit=1))
    outcome = project.ci()
    assert outcome.code == 1, outcome
    assert outcome.out.count("      migrate │ no table\n") == 2


def test_what_the_cluster_warns_of_is_logged(project: Project) -> None:
    settings = config_map("settings", a="b")
    project.tiltfile("", {**settings, "dat": {"typo": "yes"}})
    outcome = project.ci()
    assert outcome.code == 0, outcome
    assert '│ WARNING: ConfigMap/settings: unknown field "dat"' in outcome.out
