from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.node.embedded import cluster, deployment
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.core_v1.config_map import ConfigMap
from upright.openapi.core_v1.namespace import Namespace
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.service import Service
from upright.openapi.core_v1.service_account import ServiceAccount
from upright.openapi.discovery_v1.endpoint_slice import EndpointSlice
from upright.openapi.errors import Forbidden
from upright.openapi.meta import ObjectMeta

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_new_namespace_gets_a_service_account(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await there.client.create(Namespace(metadata=ObjectMeta(name="shop")))
        await there.until(ServiceAccount, lambda found: [one.name for one in found] == ["default"], "shop")


async def test_a_namespace_takes_what_is_in_it_along(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        shop = Namespace(metadata=ObjectMeta(name="shop"))
        await there.client.create(shop)
        body = deployment("runs:1", replicas=2)
        body["metadata"]["namespace"] = "shop"
        await there.client.create(Deployment.model_validate(body))
        settings = ConfigMap(metadata=ObjectMeta(name="settings", namespace="shop"))
        await there.client.create(settings)
        await there.until(Pod, lambda pods: len(pods) == 2 and all(pod.ready for pod in pods), "shop")
        there.node.stopping = lambda _: False
        await there.client.delete(Namespace, "shop")
        pods = await there.until(Pod, lambda pods: all(pod.metadata.deletion_timestamp for pod in pods), "shop")
        await there.until(Namespace, lambda found: phase(found) == "Terminating", "")
        with pytest.raises(Forbidden, match="because it is being terminated"):
            await there.client.create(settings)
        for pod in pods:
            await there.client.delete(Pod, pod.name, namespace="shop", grace_seconds=0)
        await there.until(Namespace, lambda found: phase(found) is None, "")
        assert (await there.client.list(Deployment, namespace="shop")).items == ()
        await there.client.create(shop)


def phase(found: list[Namespace]) -> str | None:
    return next((one.status.phase for one in found if one.name == "shop"), None)


async def test_endpoint_slices_tell_which_pods_are_ready(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        service = {
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
        }
        await there.client.create(Service.model_validate(service))
        await there.until(EndpointSlice, lambda found: len(found) == 1 and not found[0].endpoints)
        await there.client.create(Deployment.model_validate(deployment("waits:1", replicas=1)))
        (one,) = await there.until(EndpointSlice, lambda found: len(found) == 1 and len(found[0].endpoints) == 1)
        assert one.endpoints[0].conditions.ready is False
        assert one.ports[0].port == 8080
        assert one.metadata.labels["kubernetes.io/service-name"] == "web"
        web = await there.client.get(Deployment, "web", namespace="default")
        containers = [{"name": "web", "image": "runs:1"}]
        await there.client.patch(
            web, {"spec": {"template": {"spec": {"containers": containers}}}}, patch_type="strategic"
        )
        await there.until(
            EndpointSlice,
            lambda found: len(found) == 1 and [point.conditions.ready for point in found[0].endpoints] == [True],
        )
        await there.client.delete(Service, "web", namespace="default")
        await there.until(EndpointSlice, lambda found: not found)
