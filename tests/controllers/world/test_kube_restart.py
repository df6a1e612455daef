"""A real API server that is killed and started again: what is watched is seen again, and what is applied gets there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.controllers.world.own_apiserver import own_apiserver
from tests.controllers.world.remote import QUICK, Remote, Seen

if TYPE_CHECKING:
    from pathlib import Path

    from upright.openapi.meta import Json

pytestmark = pytest.mark.slow


def config_map(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


async def test_a_server_that_was_killed_is_seen_again_and_what_is_applied_meanwhile_gets_there(tmp_path: Path) -> None:
    async with own_apiserver(tmp_path) as server:
        there = Remote(server.kubeconfig, server.port)
        seen = Seen()
        async with there.reached(tmp_path, QUICK) as cluster, anyio.create_task_group() as group:
            await cluster.connect()
            assert await cluster.unwell() == ""
            await cluster.apply(config_map("before"), namespace="default")
            group.start_soon(cluster.watch, "v1", "ConfigMap", "default", seen.tell)
            await seen.until(lambda s: "SYNCED" in s.types)
            server.kill()
            await seen.until(lambda s: "LOST" in s.types)
            assert "cluster did not pass liveness check: " in await cluster.unwell()
            applied: list[Json] = []

            async def apply() -> None:
                with anyio.fail_after(90):
                    applied.append(await cluster.apply(config_map("meanwhile"), namespace="default"))

            group.start_soon(apply)
            server.start()
            await server.ready()
            with anyio.fail_after(30):
                await seen.until(lambda s: "meanwhile" in s.objects and s.types.count("SYNCED") > 1)
            assert applied
            assert applied[0]["metadata"]["name"] == "meanwhile"
            assert "before" in seen.objects
            group.cancel_scope.cancel()
