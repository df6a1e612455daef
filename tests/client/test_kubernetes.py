"""The client on a real Kubernetes, by any kubeconfig: where one is at hand, as $UPRIGHT_TEST_KUBECONFIG."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import anyio
import pytest

from upright.client.client import Client
from upright.openapi.core_v1.config_map import ConfigMap
from upright.openapi.core_v1.namespace import Namespace
from upright.openapi.errors import Conflict, Invalid, NotFound
from upright.openapi.meta import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REAL = os.environ.get("UPRIGHT_TEST_KUBECONFIG", "")
SPACE = "upright-client-test"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REAL, reason="needs a Kubernetes: UPRIGHT_TEST_KUBECONFIG=/path/to/its/kubeconfig"),
]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of the cluster, in which there is a namespace."""
    async with Client.from_kubeconfig(REAL) as made:
        await made.apply(Namespace(metadata=ObjectMeta(name=SPACE)))
        yield made
        for left in (await made.list(ConfigMap, namespace=SPACE, label_selector="for=test")).items:
            await made.delete(ConfigMap, left.name, namespace=SPACE)


def config_map(name: str, **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, namespace=SPACE, labels={"for": "test"}), data=data)


async def test_the_verbs_are_those_of_kubernetes(client: Client) -> None:
    made = await client.create(config_map("a", x="1"))
    assert await client.get(ConfigMap, "a", namespace=SPACE) == made
    updated = await client.update(made.model_copy(update={"data": {"x": "2"}}))
    with pytest.raises(Conflict):
        await client.update(made.model_copy(update={"data": {"x": "3"}}))
    patched = await client.patch(updated, {"data": {"y": "3"}})
    assert patched.data == {"x": "2", "y": "3"}
    with pytest.raises(Invalid):
        await client.create(config_map("Not A Name"))
    await client.delete(ConfigMap, "a", namespace=SPACE)
    with pytest.raises(NotFound, match='configmaps "a" not found'):
        await client.get(ConfigMap, "a", namespace=SPACE)


async def test_apply_owns_the_fields_that_were_set(client: Client) -> None:
    await client.apply(config_map("a", x="1"))
    assert (await client.apply(config_map("a", y="2"), field_manager="another")).data == {"x": "1", "y": "2"}
    with pytest.raises(Conflict, match="upright-client"):
        await client.apply(config_map("a", x="3"), field_manager="another")


async def test_a_watch_tells_what_is_selected(client: Client) -> None:
    await client.create(config_map("a", x="1"))
    with anyio.fail_after(20):
        async with client.watch(ConfigMap, namespace=SPACE, label_selector="for=test") as changes:
            first = await anext(changes)
            await client.patch(config_map("a"), {"data": {"x": "2"}})
            second = await anext(changes)
            await client.delete(ConfigMap, "a", namespace=SPACE)
            third = await anext(changes)
    assert [(one.type, one.object and one.object.data) for one in (first, second, third)] == [
        ("ADDED", {"x": "1"}),
        ("MODIFIED", {"x": "2"}),
        ("DELETED", {"x": "2"}),
    ]


async def test_objects_are_waited_for(client: Client) -> None:
    async def make() -> None:
        await client.create(config_map("a", x="1"))
        await client.patch(config_map("a"), {"data": {"x": "2"}})

    async with anyio.create_task_group() as group:
        group.start_soon(make)
        found = await client.wait(ConfigMap, "a", lambda one: one.data.get("x") == "2", namespace=SPACE)
        assert found.data == {"x": "2"}
    assert (await client.wait(Namespace, SPACE, "jsonpath={.status.phase}=Active")).name == SPACE
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: client.delete(ConfigMap, "a", namespace=SPACE))
        await client.wait_gone(ConfigMap, "a", namespace=SPACE)
