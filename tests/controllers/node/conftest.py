"""A private engine for the whole module, and on it a cluster with its real server, scheduler and node agent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.controllers.node.on_engine import RealCluster, real_cluster, toolbox
from upright.controllers.world.engine.private import Place, Product, private_engine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from upright.controllers.world.engine.protocol import Engine


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    place = Place(state_dir=folder / "run", run_id=folder.name, cache_dir=folder / "cache")
    product: Product = "podman" if os.environ.get("UPRIGHT_TEST_ENGINE") == "podman" else "dockerd"
    async with private_engine(product, place, lambda _: None) as made:
        await toolbox(made, folder)
        yield made


@pytest.fixture(scope="module")
async def real(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[RealCluster]:
    async with real_cluster(engine, tmp_path_factory.mktemp("cluster") / "cluster.db") as made:
        yield made
