from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
import yaml

from tests.controllers.world.remote import QUICK, REAL, Remote, Seen, remote
from upright.controllers.world.kubeconfig_files import choose_context
from upright.controllers.world.kubernetes import LogRequest, Ref
from upright.openapi.errors import BadRequest, Conflict, Invalid, NotFound, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from upright.openapi.meta import Json

pytestmark = pytest.mark.slow  # the library alone takes half a second to import

TEMPLATE: Json = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "web", "image": "runs:1"}], "restartPolicy": "Never"},
}


@pytest.fixture(params=["ours", "real"])
async def there(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Remote]:
    if request.param == "real":
        if not REAL:
            pytest.skip("no UPRIGHT_TEST_KUBECONFIG")
        yield Remote(Path(REAL), 0)
        return
    async with remote(tmp_path) as served:
        yield served


@pytest.fixture
async def ours(tmp_path: Path) -> AsyncGenerator[Remote]:
    async with remote(tmp_path) as served:
        yield served


def config_map(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def job(name: str, image: str) -> Json:
    spec = {**TEMPLATE["spec"], "containers": [{"name": "web", "image": image}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {**TEMPLATE, "spec": spec}},
    }


async def test_a_cluster_says_what_it_is(there: Remote, tmp_path: Path) -> None:
    async with there.reached(tmp_path) as cluster:
        info = await cluster.connect()
    assert info.version
    assert info.arch
    assert (await anyio.Path(info.config_path).stat()).st_mode & 0o777 == 0o600
    frozen = choose_context("", "", {"KUBECONFIG": info.config_path})
    assert (frozen.name, frozen.namespace) == (info.context, info.namespace)


async def test_a_cluster_is_reached_again_after_the_folder_of_the_first_time_is_gone(
    there: Remote, tmp_path: Path
) -> None:
    for folder in (tmp_path / "one", tmp_path / "two"):
        async with there.reached(folder) as cluster:
            assert (await cluster.connect()).version
        shutil.rmtree(folder)


async def test_objects_are_created_changed_and_deleted(there: Remote, tmp_path: Path) -> None:
    name = f"upright-{os.getpid()}-kept"
    async with there.reached(tmp_path) as cluster:
        made = await cluster.apply(config_map(name, a="1", b="2"), namespace="default")
        assert made["metadata"]["namespace"] == "default"
        changed = await cluster.apply(config_map(name, a="3", b="2"), namespace="default")
        assert changed["data"] == {"a": "3", "b": "2"}
        assert changed["metadata"]["uid"] == made["metadata"]["uid"]
        ref = Ref("v1", "ConfigMap", name, "default")
        await cluster.delete(ref)
        await cluster.delete(ref)
        again = await cluster.apply(config_map(name, a="1"), namespace="default")
        assert again["metadata"]["uid"] != made["metadata"]["uid"]
        await cluster.delete(ref)


async def test_what_cannot_be_changed_is_made_anew(there: Remote, tmp_path: Path) -> None:
    name = f"upright-{os.getpid()}-job"
    async with there.reached(tmp_path) as cluster:
        first = await cluster.apply(job(name, "waits:1"), namespace="default")
        with anyio.fail_after(20):
            second = await cluster.apply(job(name, "waits:2"), namespace="default")
        assert second["metadata"]["uid"] != first["metadata"]["uid"]
        await cluster.delete(Ref("batch/v1", "Job", name, "default"))


async def test_what_the_cluster_refuses_is_said_in_its_words(there: Remote, tmp_path: Path) -> None:
    async with there.reached(tmp_path) as cluster:
        with pytest.raises(BadRequest, match=r'no matches for kind "Widget" in version "shop\.example/v1"'):
            await cluster.apply(
                {"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": {"name": "x"}}, namespace="default"
            )
        with pytest.raises(BadRequest, match=r"metadata\.name is required"):
            await cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}, namespace="default")
        with pytest.raises((Invalid, BadRequest)):
            await cluster.apply(config_map("Not_A_Name"), namespace="default")
        with pytest.raises(NotFound, match="nowhere"):
            await cluster.apply(config_map("x"), namespace="nowhere-at-all")


async def test_a_watch_tells_what_is_there_then_each_change(there: Remote, tmp_path: Path) -> None:
    name, seen = f"upright-{os.getpid()}-seen", Seen()
    async with there.reached(tmp_path) as cluster, anyio.create_task_group() as group:
        await cluster.apply(config_map(name, a="1"), namespace="default")
        group.start_soon(cluster.watch, "v1", "ConfigMap", "default", seen.tell)
        await seen.until(lambda s: "SYNCED" in s.types)
        assert seen.objects[name]["kind"] == "ConfigMap"
        await cluster.apply(config_map(name, a="2"), namespace="default")
        await seen.until(lambda s: s.objects[name]["data"]["a"] == "2")
        await cluster.delete(Ref("v1", "ConfigMap", name, "default"))
        await seen.until(lambda s: name not in s.objects)
        assert "LOST" not in seen.types
        group.cancel_scope.cancel()


async def test_a_kind_that_is_not_there_is_nothing_to_see(there: Remote, tmp_path: Path) -> None:
    seen = Seen()
    async with there.reached(tmp_path, QUICK) as cluster, anyio.create_task_group() as group:
        group.start_soon(cluster.watch, "shop.example/v1", "Widget", "default", seen.tell)
        await seen.until(lambda s: s.types == ["SYNCED"])
        group.cancel_scope.cancel()


async def test_logs_are_asked_for_as_wanted(ours: Remote, tmp_path: Path) -> None:
    since = datetime(2026, 11, 23, 12, tzinfo=UTC)
    async with ours.reached(tmp_path) as cluster:
        await cluster.apply(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": TEMPLATE["spec"]},
            namespace="default",
        )
        request = LogRequest("default", "web", "web", previous=True, follow=True, since=since)
        async with cluster.logs(request) as chunks:
            text = b"".join([chunk async for chunk in chunks])
    assert text.split() == [b"web", b"web", b"true", b"true", b"2026-11-23T12:00:00Z"]


async def test_a_port_of_a_pod_is_reached(ours: Remote, tmp_path: Path) -> None:
    async with ours.reached(tmp_path) as cluster:
        await cluster.apply(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": TEMPLATE["spec"]},
            namespace="default",
        )
        async with await cluster.open_port("default", "web", 80) as port:
            await port.send(b"hello")
            assert await port.receive(2) == b"HE"
            assert await port.receive() == b"LLO"
        async with await cluster.open_port("default", "web", 81) as port:
            with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)):
                await port.receive()
        with pytest.raises((NotFound, ServiceUnavailable)):
            await cluster.open_port("default", "nobody", 80)


async def test_a_cluster_that_is_away_is_said_with_what_to_do(ours: Remote, tmp_path: Path) -> None:
    async with ours.through(1, tmp_path).reached(tmp_path) as cluster:
        with pytest.raises(ServiceUnavailable, match=r"cannot reach .* connection refused.* --cluster=CONTEXT"):
            await cluster.connect()


async def test_a_wrong_token_is_said(ours: Remote, tmp_path: Path) -> None:
    config = yaml.safe_load(ours.kubeconfig.read_text(encoding="utf-8"))
    config["users"][0]["user"]["token"] = "nonsense"
    wrong = tmp_path / "wrong"
    wrong.write_text(yaml.safe_dump(config), encoding="utf-8")
    async with Remote(wrong, ours.port).reached(tmp_path) as cluster:
        with pytest.raises(ServiceUnavailable, match="does not let us in"):
            await cluster.connect()


async def test_a_conflict_is_tried_again_until_the_deadline_is_near(ours: Remote, tmp_path: Path) -> None:
    async with ours.reached(tmp_path) as cluster:
        tries: list[int] = []

        async def refuses(*_: object, **__: object) -> Json:
            tries.append(1)
            raise Conflict("somebody else")

        cluster._applying.put = refuses  # type: ignore[method-assign]  # a server that always says so
        with pytest.raises(Conflict, match=r"somebody else \(tried \d+ times in 1 s\)"), anyio.fail_after(1.5):
            await cluster.apply(config_map("x"), namespace="default")
    assert len(tries) > 2
