from __future__ import annotations

import os
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.apiserver.kubectl.driver import Kubectl
from upright.apiserver.clock import utc_now
from upright.apiserver.server import Server, Settings
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from upright.apiserver.registry import Registry


@pytest.fixture
async def k(registry: Registry, any_kubectl: Path, tmp_path: Path) -> AsyncIterator[Kubectl]:
    registry._clock = utc_now
    subresources = Subresources()
    server = Server(registry, [], Settings(tmp_path), now=utc_now, subresources=subresources)
    async with anyio.create_task_group() as group:
        await group.start(server.serve)
        config = await server.secured()
        environment = os.environ | {"HOME": str(tmp_path), "KUBECONFIG": str(config)}
        yield Kubectl([str(any_kubectl), "--cache-dir", str(tmp_path / "cache")], environment, subresources)
        group.cancel_scope.cancel()
