"""Whole runs: each test has a project folder, and after it nothing that it started may be left."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.leftovers import adopt_orphans, left_since, traces
from tests.e2e.project import KILLED, Outcome, Project, new_project
from upright.controllers.world.engine.private import program

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the private engine keeps its images from one run to the next."""
    if os.geteuid() != 0 or not (program("dockerd") or program("podman")):
        pytest.skip("a private container engine needs root and: apt-get install docker.io")
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def project(tmp_path: Path, cache: Path) -> Project:
    """Return a new project without a Tiltfile."""
    return new_project(tmp_path, cache)


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Callable[..., dict[str, Outcome]]:
    """Return what runs several projects at once, each made by a function of its name: most of their time is waiting."""

    def run(*cases: Callable[[Project], None]) -> dict[str, Outcome]:
        with nothing_left():
            made = {case.__name__: new_project(tmp_path_factory.mktemp(case.__name__), cache) for case in cases}
            for case in cases:
                case(made[case.__name__])
            started = {name: one.start() for name, one in made.items()}
            outcomes = {name: one.ended() for name, one in started.items()}
        for name, outcome in outcomes.items():
            assert outcome.code != KILLED, f"{name} did not end: {outcome}"
        return outcomes

    return run


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> Generator[None]:
    if {"run", "place"} & set(request.fixturenames):  # many tests' run, seen to when it has ended; a cluster of others
        yield
        return
    with nothing_left():
        yield


@contextmanager
def nothing_left() -> Generator[None]:
    adopt_orphans()
    before = traces()
    yield
    assert not left_since(before)
