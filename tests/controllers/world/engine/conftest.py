"""The same tests on both engines."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.engines import RunningEngine, running_engine
from upright.controllers.world.engine.private import program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from upright.controllers.world.engine.docker_engine import DockerEngine


@pytest.fixture(scope="session")
def private_podman(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningEngine]:
    if os.geteuid() != 0 or not program("podman"):
        pytest.skip("a private podman needs root and: apt-get install podman")
    with running_engine("podman", tmp_path_factory.mktemp("podman")) as running:
        yield running


@pytest.fixture(params=["dockerd", "podman"])
def running(request: pytest.FixtureRequest) -> RunningEngine:
    found: RunningEngine = request.getfixturevalue(f"private_{request.param}")
    return found


@pytest.fixture
async def engine(running: RunningEngine) -> AsyncGenerator[DockerEngine]:
    async with running.connected() as made:
        yield made


@pytest.fixture
async def labels(engine: DockerEngine, request: pytest.FixtureRequest) -> AsyncGenerator[dict[str, str]]:
    """Labels for what a test makes; it is removed after the test."""
    ours = {"upright-test": request.node.name}
    yield ours
    await engine.reap(ours)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}
