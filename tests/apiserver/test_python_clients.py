"""The official Python client and kubernetes-asyncio, which nobody here wrote: lists, watches that resume, leader election."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
import anyio.lowlevel
import anyio.to_thread
import kubernetes
import pytest
from kubernetes_asyncio import client as asyncio_client
from kubernetes_asyncio import config as asyncio_config
from kubernetes_asyncio import watch as asyncio_watch
from kubernetes_asyncio.client.rest import ApiException
from kubernetes_asyncio.leaderelection.electionconfig import Config
from kubernetes_asyncio.leaderelection.leaderelection import LeaderElection
from kubernetes_asyncio.leaderelection.resourcelock.leaselock import LeaseLock

from upright.apiserver.clock import utc_now
from upright.apiserver.registry import Registry
from upright.apiserver.server import Server, Settings
from upright.apiserver.storage.records import Retention
from upright.apiserver.storage.store import Store
from upright.openapi import coordination_v1, core_v1, v1alpha1
from upright.openapi.scheme import discover

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.slow

SPACE = "default"
official: Any = kubernetes  # Any: half of it has types


@pytest.fixture
async def config(tmp_path: Path) -> AsyncIterator[str]:
    """Run a server that forgets all but the last ten events; return its kubeconfig."""
    scheme = discover(v1alpha1, core_v1, coordination_v1)
    retention = Retention(events=10)
    async with (
        Store.open(str(tmp_path / "state.db"), durable=False, retention=retention) as store,
        anyio.create_task_group() as group,
    ):
        server = Server(Registry(scheme, store, utc_now), [], Settings(tmp_path), now=utc_now)
        await group.start(server.serve)
        made = str(await server.secured())
        async with await asyncio_config.new_client_from_config(made) as api:
            space: Any = {"metadata": {"name": SPACE}}
            await asyncio_client.CoreV1Api(api).create_namespace(space)
        yield made
        group.cancel_scope.cancel()


def _map(name: str, **data: str) -> Any:  # noqa: ANN401  reason: the clients take dictionaries where they say models
    return {"metadata": {"name": name, "labels": {"app": "shop"}}, "data": data}


def _official(config: str) -> None:
    api: Any = official.config.new_client_from_config(config)
    core: Any = official.client.CoreV1Api(api)
    for number in range(3):
        core.create_namespaced_config_map(SPACE, _map(f"m{number}", n=str(number)))
    first = core.list_namespaced_config_map(SPACE, limit=2, label_selector="app in (shop)")
    rest = core.list_namespaced_config_map(
        SPACE, limit=2, label_selector="app in (shop)", _continue=first.metadata._continue
    )
    assert [one.metadata.name for one in (*first.items, *rest.items)] == ["m0", "m1", "m2"]
    core.patch_namespaced_config_map("m0", SPACE, {"data": {"n": "7"}})
    core.delete_namespaced_config_map("m1", SPACE)
    events: Any = official.watch.Watch().stream(
        core.list_namespaced_config_map, SPACE, resource_version=rest.metadata.resource_version, timeout_seconds=1
    )
    assert [(one["type"], one["object"].metadata.name) for one in events] == [("MODIFIED", "m0"), ("DELETED", "m1")]
    with pytest.raises(official.client.ApiException) as stale:
        core.replace_namespaced_config_map(
            "m2", SPACE, first.items[0].to_dict() | _map("m2") | {"metadata": {"name": "m2", "resourceVersion": "1"}}
        )
    assert stale.value.reason == "Conflict"
    custom: Any = official.client.CustomObjectsApi(api)
    place = ("tilt.dev", "v1alpha1", "sessions")
    session = {
        "apiVersion": "tilt.dev/v1alpha1",
        "kind": "Session",
        "metadata": {"name": "one"},
        "spec": {"tiltfilePath": "/p"},
    }
    custom.create_cluster_custom_object(*place, session)
    custom.patch_cluster_custom_object_status(*place, "one", {"status": {"done": True}})
    assert custom.get_cluster_custom_object(*place, "one")["status"]["done"] is True
    api.close()


async def test_the_official_client_pages_watches_and_hears_of_conflicts(config: str) -> None:
    await anyio.to_thread.run_sync(_official, config)


def _informed(config: str) -> None:
    api: Any = official.config.new_client_from_config(config)
    core: Any = official.client.CoreV1Api(api)
    core.create_namespaced_config_map(SPACE, _map("a", n="1"))
    heard: queue.Queue[tuple[str, str]] = queue.Queue()
    informer: Any = official.informer.SharedInformer(core.list_namespaced_config_map, namespace=SPACE)
    for kind in ("ADDED", "MODIFIED", "DELETED"):
        informer.add_event_handler(kind, lambda one, kind=kind: heard.put((kind, one.metadata.name)))
    informer.start()
    try:
        assert heard.get(timeout=10) == ("ADDED", "a")
        core.patch_namespaced_config_map("a", SPACE, {"data": {"n": "2"}})
        core.create_namespaced_config_map(SPACE, _map("b"))
        core.delete_namespaced_config_map("a", SPACE)
        told = [heard.get(timeout=10) for _ in range(3)]
        assert told == [("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]
        assert [one.metadata.name for one in informer.cache.list()] == ["b"]
    finally:
        informer.stop()
        api.close()


async def test_the_official_informer_mirrors_what_is_there(config: str) -> None:
    await anyio.to_thread.run_sync(_informed, config)


async def test_a_watch_resumes_where_it_was_and_lists_anew_when_that_is_forgotten(config: str) -> None:
    async with await asyncio_config.new_client_from_config(config) as api:
        core = asyncio_client.CoreV1Api(api)
        begun = (await core.list_namespaced_config_map(SPACE)).metadata.resource_version

        async def seen(since: str, count: int) -> list[Any]:
            found: list[Any] = []
            async with asyncio_watch.Watch().stream(
                core.list_namespaced_config_map, SPACE, resource_version=since, timeout_seconds=5
            ) as events:
                async for event in events:
                    found.append(event)
                    if len(found) == count:
                        break
            return found

        await core.create_namespaced_config_map(SPACE, _map("a"))
        await core.create_namespaced_config_map(SPACE, _map("b"))
        first = await seen(begun, 2)
        assert [event["object"].metadata.name for event in first] == ["a", "b"]
        reached = first[-1]["object"].metadata.resource_version
        await core.delete_namespaced_config_map("a", SPACE)
        (event,) = await seen(reached, 1)
        assert (event["type"], event["object"].metadata.name) == ("DELETED", "a")
        for number in range(40):
            await core.patch_namespaced_config_map("b", SPACE, {"data": {"n": str(number)}})
        with pytest.raises(ApiException) as gone:
            await seen(begun, 1)
        assert gone.value.status == 410


async def test_one_leads_at_a_time_and_another_takes_over(config: str) -> None:
    leads: list[str] = []
    news = anyio.Event()

    async def candidate(name: str, *, task_status: anyio.abc.TaskStatus[anyio.CancelScope]) -> None:
        async def started() -> None:
            nonlocal news
            leads.append(name)
            news.set()

        async def stopped() -> None:
            pass

        async with await asyncio_config.new_client_from_config(config) as api:
            lock = LeaseLock("leader", SPACE, name, api)
            settings = Config(lock, 3, 2, 1, onstarted_leading=started, onstopped_leading=stopped)
            with anyio.CancelScope() as scope:
                task_status.started(scope)
                await LeaderElection(settings).run()

    async with anyio.create_task_group() as group:
        first = await group.start(candidate, "first")
        with anyio.fail_after(10):
            await news.wait()
        news = anyio.Event()
        await group.start(candidate, "second")
        await anyio.lowlevel.checkpoint()
        assert leads == ["first"]
        first.cancel()
        with anyio.fail_after(20):
            await news.wait()
        assert leads == ["first", "second"]
        group.cancel_scope.cancel()
