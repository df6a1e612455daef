"""A run does not end before it has read what its containers said: each line, in order, of each run of each container."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.objects import container, deployment, job
from tests.e2e.project import Project, new_project
from tests.e2e.verdicts.conftest import Place, delete

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.e2e.project import Outcome

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(200)]

MANY, MORE = 100_000, 5_000
NAMES = ("talks", "crashes")
OBJECTS = (
    job(
        "talks",
        container(script=f"seq {MANY}; printf 'last words'; exit 1"),
        initContainers=[container("begin", f"seq {MORE}; printf 'all is prepared'")],
    ),
    deployment("crashes", container(script=f"seq {MORE}; printf 'the end'; exit 7")),
)


@pytest.fixture(scope="module")
def run(place: Place, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Generator[dict[str, list[str]]]:
    """Return the log of each resource as its run has kept it, and what that run printed; each fails in a run of its own."""
    projects: list[Project] = []
    for one in OBJECTS:
        made = new_project(tmp_path_factory.mktemp("logs"), cache)
        projects.append(Project(made.folder, made.home, made.cache, place.environ))
        projects[-1].tiltfile("", one)
    try:
        started = [project.start(f"--cluster={place.cluster}") for project in projects]
        outcomes = [running.ended(150) for running in started]
        assert [outcome.code for outcome in outcomes] == [1, 1], outcomes
        kept = {name: _log(outcome, name) for name, outcome in zip(NAMES, outcomes, strict=True)}
        yield kept | {
            f"{name} printed": outcome.out.splitlines() for name, outcome in zip(NAMES, outcomes, strict=True)
        }
    finally:
        if place.environ:
            delete(OBJECTS, projects[0].environment)


def _log(outcome: Outcome, resource: str) -> list[str]:
    """Return what the resource's containers said, a run after the other."""
    logs = sorted((outcome.folder / "logs").glob(f"pod:{resource}:*"), key=lambda path: path.stat().st_ctime_ns)
    return [line.partition(" - ")[2] for path in logs for line in path.read_text().splitlines()]


def test_a_hundred_thousand_lines_are_all_there_and_in_order(run: dict[str, list[str]]) -> None:
    said = [line for line in run["talks"] if not line.startswith("[begin] ")]
    assert said == [*(str(number) for number in range(1, MANY + 1)), "last words"]


def test_an_init_container_is_read_to_its_end(run: dict[str, list[str]]) -> None:
    said = [line.removeprefix("[begin] ") for line in run["talks"] if line.startswith("[begin] ")]
    assert said == [*(str(number) for number in range(1, MORE + 1)), "all is prepared"]


def test_each_run_of_a_container_in_a_crash_loop_is_read_to_its_end(run: dict[str, list[str]]) -> None:
    one = [*(str(number) for number in range(1, MORE + 1)), "the end"]
    runs = run["crashes"].count("the end")
    assert runs >= 3
    assert run["crashes"] == one * runs


@pytest.mark.parametrize("resource", NAMES)
def test_all_of_it_was_printed(run: dict[str, list[str]], resource: str) -> None:
    printed = [line.partition(" │ ")[2] for line in run[f"{resource} printed"] if line.strip().startswith(resource)]
    assert _numbers(printed) == _numbers(run[resource])


def _numbers(lines: list[str]) -> list[str]:
    return [line for line in lines if line.removeprefix("[begin] ").isdecimal()]
