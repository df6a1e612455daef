from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest
from msgspec.structs import replace

from tests.controllers.world.faulty_proxy import FaultyProxy, faulty_proxy
from tests.controllers.world.remote import QUICK, Seen, remote
from upright.controllers.world.kubernetes import Ref
from upright.openapi.errors import Gone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from upright.controllers.world.kubeconfig_cluster import KubeconfigCluster
    from upright.openapi.meta import Json

pytestmark = pytest.mark.slow  # the library alone takes half a second to import


def config_map(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@asynccontextmanager
async def watched(folder: Path) -> AsyncGenerator[tuple[FaultyProxy, KubeconfigCluster, Seen]]:
    """Watch ConfigMaps through a proxy; the cluster that is yielded is reached without it."""
    seen = Seen()
    async with (
        remote(folder) as there,
        faulty_proxy(there.port) as proxy,
        there.reached(folder / "direct") as direct,
        there.through(proxy.port, folder).reached(folder / "proxied-run", QUICK) as through,
        anyio.create_task_group() as group,
    ):
        await direct.apply(config_map("one", a="1"), namespace="default")
        group.start_soon(through.watch, "v1", "ConfigMap", "default", seen.tell)
        await seen.until(lambda s: "SYNCED" in s.types)
        yield proxy, direct, seen
        group.cancel_scope.cancel()


async def test_a_broken_connection_is_mended_without_losing_sight(tmp_path: Path) -> None:
    async with watched(tmp_path) as (proxy, cluster, seen):
        await proxy.reset()
        await cluster.apply(config_map("two"), namespace="default")
        await seen.until(lambda s: "two" in s.objects)
        assert seen.types.count("SYNCED") == 1
        assert "LOST" not in seen.types


async def test_a_cluster_that_stays_away_is_lost_and_told_anew_once_it_is_back(tmp_path: Path) -> None:
    async with watched(tmp_path) as (proxy, cluster, seen):
        proxy.refuses = True
        await proxy.reset()
        await seen.until(lambda s: "LOST" in s.types)
        await cluster.delete(Ref("v1", "ConfigMap", "one", "default"))
        await cluster.apply(config_map("two"), namespace="default")
        seen.types.clear()
        seen.objects.clear()
        proxy.refuses = False
        await seen.until(lambda s: "SYNCED" in s.types)
        assert set(seen.objects) == {"two"}
        assert "LOST" not in seen.types


async def test_a_stalled_connection_is_noticed(tmp_path: Path) -> None:
    async with watched(tmp_path) as (proxy, cluster, seen):
        proxy.stall()
        await cluster.apply(config_map("two"), namespace="default")
        await seen.until(lambda s: "LOST" in s.types)
        proxy.flow()
        await seen.until(lambda s: "two" in s.objects and s.types[-1] == "SYNCED")


async def test_a_silent_watch_that_lives_is_left_alone(tmp_path: Path) -> None:
    async with watched(tmp_path) as (_, cluster, seen):
        await anyio.sleep(3 * QUICK.silence_seconds)
        await cluster.apply(config_map("two"), namespace="default")
        await seen.until(lambda s: "two" in s.objects)
        assert seen.types.count("SYNCED") == 1


async def test_a_forgotten_past_is_listed_anew(tmp_path: Path) -> None:
    async with remote(tmp_path) as there, there.reached(tmp_path, QUICK) as cluster:
        seen, stream, forgotten = Seen(), cluster._connection.stream, [1, 1]

        @asynccontextmanager
        async def forgetting(path: str, query: dict[str, str], **limits: float) -> AsyncGenerator[object]:
            if forgotten:
                forgotten.pop()
                raise Gone("too old resource version")
            async with stream(path, query, **limits) as content:
                yield content

        cluster._connection.stream = forgetting  # type: ignore[method-assign,assignment]  # a server that forgot
        await cluster.apply(config_map("one"), namespace="default")
        async with anyio.create_task_group() as group:
            group.start_soon(cluster.watch, "v1", "ConfigMap", "default", seen.tell)
            await seen.until(lambda s: s.types.count("SYNCED") == 3)
            await cluster.apply(config_map("two"), namespace="default")
            await seen.until(lambda s: "two" in s.objects)
            group.cancel_scope.cancel()
        assert [one for one in seen.types if one != "ADDED"] == ["SYNCED", "LOST", "SYNCED", "LOST", "SYNCED"]


def event(name: str) -> Json:
    about = {"kind": "Pod", "name": "web", "namespace": "default", "uid": "u1"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": about,
        "reason": "Pulled",
    }


async def test_events_of_the_past_are_told_while_newer_ones_are_followed_already(tmp_path: Path) -> None:
    pace = replace(QUICK, page=2, watch_seconds=(1, 1))
    async with remote(tmp_path) as there, there.reached(tmp_path, pace) as cluster, anyio.create_task_group() as group:
        for n in range(5):
            await cluster.apply(event(f"old-{n}"), namespace="default")
        call, seen, gate, refusals = cluster._connection.call, Seen(), anyio.Event(), [1]

        async def slow(*asked: object, **more: object) -> Json:
            if {"limit": "2"}.items() <= dict(asked[2] or {}).items():  # type: ignore[call-overload]  # the query
                await gate.wait()
                if refusals:
                    refusals.pop()
                    raise Gone("the continue token is too old: the next watch lists again")
            answer: Json = await call(*asked, **more)  # type: ignore[arg-type]  # as they were given
            return answer

        cluster._connection.call = slow  # type: ignore[method-assign]  # a server that takes its time
        group.start_soon(cluster.watch, "v1", "Event", "default", seen.tell)
        await seen.until(lambda s: "SYNCED" in s.types)
        await cluster.apply(event("new"), namespace="default")
        await cluster.apply(event("old-0") | {"reason": "Failed"}, namespace="default")
        await seen.until(lambda s: set(s.objects) == {"new", "old-0"})
        gate.set()
        await seen.until(lambda s: len(s.objects) == 6)
        assert not refusals
        assert seen.objects["old-0"]["reason"] == "Failed"
        assert seen.types.count("SYNCED") == 1
        group.cancel_scope.cancel()
