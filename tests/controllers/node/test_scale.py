from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.node.embedded import cluster, deployment
from upright.controllers.node.scale import register_scale
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.errors import Conflict, NotFound
from upright.openapi.subresources import Ask, Subresources

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controllers.node.embedded import Cluster
    from upright.openapi.meta import Json


async def ask(there: Cluster, method: str, body: Json | None = None, name: str = "web") -> Json:
    subresources = Subresources()
    register_scale(subresources, there.client)
    answer = subresources.answering["apps/deployments", "scale"]
    return await answer(Ask(Deployment, name, "scale", "default", method=method, body=body))


async def test_replicas_are_read_and_written_apart_from_the_rest(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await there.client.create(Deployment.model_validate(deployment("runs:1", replicas=1)))
        await there.until(Deployment, lambda found: found[0].status.available_replicas == 1)
        read = await ask(there, "GET")
        assert (read["spec"], read["status"]) == ({"replicas": 1}, {"replicas": 1, "selector": "app=web"})
        patched = await ask(there, "PATCH", {"spec": {"replicas": 2}})
        assert patched["spec"] == {"replicas": 2}
        await there.until(Deployment, lambda found: found[0].status.available_replicas == 2)
        with pytest.raises(Conflict):
            await ask(there, "PUT", read | {"spec": {"replicas": 3}})
        with pytest.raises(NotFound):
            await ask(there, "GET", name="gone")
