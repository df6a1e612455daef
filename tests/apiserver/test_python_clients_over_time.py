"""The Python clients when the server goes and comes back, and when it has forgotten: what informers need."""

from __future__ import annotations

import queue
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import kubernetes
import pytest
from kubernetes_asyncio import client as asyncio_client
from kubernetes_asyncio import config as asyncio_config
from kubernetes_asyncio import watch as asyncio_watch
from kubernetes_asyncio.client.rest import ApiException

from upright.apiserver.clock import utc_now
from upright.apiserver.registry import Registry
from upright.apiserver.server import Server, Settings
from upright.apiserver.sockets import listen, port_of
from upright.apiserver.storage.records import Retention
from upright.apiserver.storage.store import Store
from upright.apiserver.tokens import TokenBook
from upright.openapi import core_v1, v1alpha1
from upright.openapi.scheme import discover

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

pytestmark = pytest.mark.slow

SPACE = "default"
SCHEME = discover(v1alpha1, core_v1)
official: Any = kubernetes  # Any: half of it has types


def free_port() -> int:
    bound = listen("127.0.0.1", 0)
    port = port_of(bound)
    for one in bound:
        one.close()
    return port


@asynccontextmanager
async def serving(folder: Path, port: int, retention: Retention | None = None) -> AsyncGenerator[str]:
    """Run the server; a second time on the same folder and port is a restart. Gives the kubeconfig."""
    database = str(folder / "state.db")
    async with Store.open(database, retention=retention) as store, anyio.create_task_group() as group:
        book = TokenBook(store, utc_now)
        server = Server(
            Registry(SCHEME, store, utc_now), [], Settings(folder, secure_port=port), now=utc_now, book=book
        )
        await group.start(server.serve)
        yield str(await server.secured())
        group.cancel_scope.cancel()


def _map(name: str, **data: str) -> Any:  # noqa: ANN401  reason: the clients take dictionaries where they say models
    return {"metadata": {"name": name}, "data": data}


class Mirror:
    """An informer in the few lines that kubernetes-asyncio needs: list, watch on, list again after 410."""

    def __init__(self, core: Any) -> None:  # noqa: ANN401  reason: the client's types say little
        self.core = core
        self.held: dict[str, str] = {}
        self.told: list[tuple[str, str]] = []
        self.lists = 0
        self.revision = ""
        self.news = anyio.Event()

    async def list(self) -> None:
        found = await self.core.list_namespaced_config_map(SPACE)
        self.held = {one.metadata.name: (one.data or {}).get("n", "") for one in found.items}
        self.revision = found.metadata.resource_version
        self.lists += 1
        self._said()

    async def follow(self) -> None:
        """Watch from where it was, until the server or the past is gone."""
        watch = asyncio_watch.Watch()
        stream = watch.stream(
            self.core.list_namespaced_config_map, SPACE, resource_version=self.revision, allow_watch_bookmarks=True
        )
        async with stream as events:
            async for event in events:
                about = event["object"].metadata
                self.revision = about.resource_version
                if event["type"] == "BOOKMARK":
                    continue
                self.told.append((event["type"], about.name))
                if event["type"] == "DELETED":
                    self.held.pop(about.name)
                else:
                    self.held[about.name] = (event["object"].data or {}).get("n", "")
                self._said()

    def _said(self) -> None:
        self.news.set()
        self.news = anyio.Event()

    async def until(self, **held: str) -> None:
        with anyio.fail_after(10):
            while self.held != held:
                await self.news.wait()


async def test_a_watch_goes_on_after_a_restart_and_misses_nothing(tmp_path: Path) -> None:
    port = free_port()
    async with serving(tmp_path, port) as config, await asyncio_config.new_client_from_config(config) as api:
        mirror = Mirror(asyncio_client.CoreV1Api(api))
        await mirror.core.create_namespace({"metadata": {"name": SPACE}})
        await mirror.core.create_namespaced_config_map(SPACE, _map("a", n="1"))
        await mirror.list()
        async with anyio.create_task_group() as group:
            group.start_soon(mirror.follow)
            await mirror.core.create_namespaced_config_map(SPACE, _map("b", n="1"))
            await mirror.until(a="1", b="1")
            group.cancel_scope.cancel()
        await mirror.core.patch_namespaced_config_map("a", SPACE, {"data": {"n": "2"}})
        await mirror.core.delete_namespaced_config_map("b", SPACE)
    async with serving(tmp_path, port) as config, await asyncio_config.new_client_from_config(config) as api:
        mirror.core = asyncio_client.CoreV1Api(api)
        async with anyio.create_task_group() as group:
            group.start_soon(mirror.follow)
            await mirror.until(a="2")
            await mirror.core.create_namespaced_config_map(SPACE, _map("c", n="1"))
            await mirror.until(a="2", c="1")
            group.cancel_scope.cancel()
    assert mirror.told == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b"), ("ADDED", "c")]
    assert mirror.lists == 1


async def test_a_mirror_whose_past_is_forgotten_hears_410_and_is_right_again_after_one_list(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, free_port(), Retention(events=10)) as config,
        await asyncio_config.new_client_from_config(config) as api,
    ):
        mirror = Mirror(asyncio_client.CoreV1Api(api))
        await mirror.core.create_namespace({"metadata": {"name": SPACE}})
        await mirror.core.create_namespaced_config_map(SPACE, _map("a", n="0"))
        await mirror.list()
        for number in range(40):
            await mirror.core.patch_namespaced_config_map("a", SPACE, {"data": {"n": str(number)}})
        with pytest.raises(ApiException) as gone:
            await mirror.follow()
        assert gone.value.status == 410
        await mirror.list()
        async with anyio.create_task_group() as group:
            group.start_soon(mirror.follow)
            await mirror.core.patch_namespaced_config_map("a", SPACE, {"data": {"n": "last"}})
            await mirror.until(a="last")
            group.cancel_scope.cancel()
        assert mirror.told == [("MODIFIED", "a")]


async def test_the_official_informer_goes_on_after_a_restart(tmp_path: Path) -> None:
    port = free_port()
    heard: queue.Queue[tuple[str, str]] = queue.Queue()
    async with serving(tmp_path, port) as config:
        informer = await anyio.to_thread.run_sync(_informing, config, heard)
        await anyio.to_thread.run_sync(_changed, config, "a")
        assert await anyio.to_thread.run_sync(lambda: heard.get(timeout=10)) == ("ADDED", "a")
    try:
        async with serving(tmp_path, port) as config:
            await anyio.to_thread.run_sync(_changed, config, "b")
            seen: set[tuple[str, str]] = set()
            while ("ADDED", "b") not in seen:
                seen.add(await anyio.to_thread.run_sync(lambda: heard.get(timeout=30)))
            assert ("DELETED", "a") not in seen
            await anyio.to_thread.run_sync(informer.stop)
    finally:
        await anyio.to_thread.run_sync(informer.stop)


def _informing(config: str, heard: queue.Queue[tuple[str, str]]) -> Any:  # noqa: ANN401  reason: the client has no types
    core: Any = official.client.CoreV1Api(official.config.new_client_from_config(config))
    core.create_namespace({"metadata": {"name": SPACE}})
    informer: Any = official.informer.SharedInformer(core.list_namespaced_config_map, namespace=SPACE)
    for kind in ("ADDED", "MODIFIED", "DELETED"):
        informer.add_event_handler(kind, lambda one, kind=kind: heard.put((kind, one.metadata.name)))
    informer.start()
    return informer


def _changed(config: str, name: str) -> None:
    api: Any = official.config.new_client_from_config(config)
    official.client.CoreV1Api(api).create_namespaced_config_map(SPACE, _map(name))
    api.close()
