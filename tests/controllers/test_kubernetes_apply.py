"""Objects are applied in waves, with the images that were built, once; and deleted when their owner goes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import anyio
import orjson
import pytest

from tests.controllers.fake_kubernetes import FakeKubernetes
from tests.controllers.rooms import Room, now, room
from upright.controllers.apply_command import ApplyCommands
from upright.controllers.cluster import ClusterController
from upright.controllers.clusters import Clusters
from upright.controllers.fingerprint import CAUSE
from upright.controllers.kubernetes_apply import KubernetesApplyController
from upright.controllers.world.processes import LocalProcesses
from upright.openapi.errors import Forbidden, NotFound
from upright.openapi.meta import ObjectMeta, format_micro_time
from upright.openapi.v1alpha1.cluster import Cluster, ClusterConnection, ClusterSpec, KubernetesConnection
from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapSpec, ImageMapStatus
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply, KubernetesApplySpec
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery
from upright.openapi.v1alpha1.resource import TRIGGER

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApplyStatus

CLUSTER = Cluster(
    metadata=ObjectMeta(name="default"),
    spec=ClusterSpec(connection=ClusterConnection(kubernetes=KubernetesConnection(context="fake"))),
)


def prepare(apply: KubernetesApply, maps: Sequence[ImageMap]) -> list[Json]:
    """Read ``Kind/name …`` and put the images in."""
    if apply.spec.yaml == "broken":
        raise ValueError("Docker image missing from yaml: shop")
    images = [one.status.image for one in maps]
    pairs = (words.partition("/") for words in apply.spec.yaml.split())
    return [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": {"images": images}}
        for kind, _, name in pairs
    ]


@dataclass
class World:
    room: Room
    kubernetes: FakeKubernetes

    async def applied(self, name: str = "web") -> KubernetesApplyStatus:
        return (await self.room.until(KubernetesApply, name, lambda one: one.status.applied_input_hash)).status


@asynccontextmanager
async def world(
    folder: Path, kubernetes: FakeKubernetes | None = None, *, connected: bool = True
) -> AsyncGenerator[World]:
    fake, clusters = kubernetes or FakeKubernetes(), Clusters()

    def parse(text: str) -> list[Json]:
        found: list[Json] = [orjson.loads(text)]
        return found

    async with LocalProcesses() as processes:
        commands = ApplyCommands(processes, lambda: {"PATH": "/usr/bin:/bin"}, parse)
        async with room(
            folder,
            lambda logs: [
                ClusterController(fake.opened, clusters, logs, now),
                KubernetesApplyController(clusters, logs, now, prepare, commands),
            ],
        ) as opened:
            if connected:
                await opened.put(CLUSTER)
            yield World(opened, fake)


def apply(yaml: str, cause: str = "", **spec: object) -> KubernetesApply:
    return KubernetesApply(
        metadata=ObjectMeta(name="web", annotations={CAUSE: cause}),
        spec=KubernetesApplySpec.model_validate({"yaml": yaml, "cluster": "default", **spec}),
    )


async def test_the_hashes_by_which_pods_of_an_older_template_are_told_are_kept(tmp_path: Path) -> None:
    template = {"metadata": {"labels": {"tilt.dev/pod-template-hash": "a1b2"}}, "spec": {"containers": []}}
    shown = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "uid": "u1"}}
    text = orjson.dumps({**shown, "spec": {"template": template}}).decode()
    async with world(tmp_path) as w:
        await w.room.put(apply("", apply_cmd={"args": ["echo", text]}))
        status = await w.applied()
        assert [one.template_hashes for one in status.objects] == [("a1b2",)]


async def test_what_others_need_is_applied_first_and_all_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("Deployment/web Service/web ConfigMap/web Namespace/shop"))
        status = await w.applied()
        assert w.kubernetes.applied == ["Namespace/shop", "ConfigMap/web", "Service/web", "Deployment/web"]
        assert [(one.kind, one.namespace, one.generation) for one in status.objects] == [
            ("Deployment", "default", 1),
            ("Service", "default", 1),
            ("ConfigMap", "default", 1),
            ("Namespace", "", 1),
        ]
        assert all(one.uid for one in status.objects)
        assert status.last_apply_start_time
        assert w.room.log("kubernetesapply:web")[:2] == ["Objects applied to cluster:", "  → web:deployment"]


async def test_the_pods_of_what_was_applied_are_looked_for(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("Deployment/web"))
        found = await w.room.until(KubernetesDiscovery, "web", lambda one: one.spec.watches)
        (watch,) = found.spec.watches
        assert (watch.kind, watch.name, watch.namespace) == ("Deployment", "web", "default")
        assert watch.uid == (await w.applied()).objects[0].uid


async def test_with_selectors_only_an_object_is_looked_at_but_its_pods_are_not(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("Deployment/web", discovery_strategy="selectors-only"))
        found = await w.room.until(KubernetesDiscovery, "web", lambda one: one.spec.watches)
        assert [(one.uid, one.name) for one in found.spec.watches] == [("", "web")]


async def test_it_waits_for_the_cluster(tmp_path: Path) -> None:
    async with world(tmp_path, connected=False) as w:
        await w.room.put(apply("Deployment/web"))
        await w.room.settled()
        assert w.kubernetes.applied == []
        await w.room.put(CLUSTER)
        assert (await w.applied()).error == ""


async def test_it_waits_for_its_images_and_puts_them_in(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("Deployment/web", image_maps=("shop",)))
        mapped = await w.room.put(ImageMap(metadata=ObjectMeta(name="shop"), spec=ImageMapSpec(selector="shop")))
        await w.room.settled()
        assert w.kubernetes.applied == []
        await w.room.say(mapped, ImageMapStatus(image="shop:1", image_from_local="shop:1"))
        first = await w.applied()
        found = w.kubernetes.find("Deployment", "web")
        assert found
        assert found["spec"] == {"images": ["shop:1"]}
        newest = await w.room.client.get(ImageMap, "shop")
        await w.room.say(newest, ImageMapStatus(image="shop:2", image_from_local="shop:2"))
        again = await w.room.until(
            KubernetesApply, "web", lambda one: one.status.applied_input_hash != first.applied_input_hash
        )
        assert [one.generation for one in again.status.objects] == [2]


async def test_a_refusal_is_told_with_the_objects_name_and_ends_the_waves(tmp_path: Path) -> None:
    kubernetes = FakeKubernetes(refuses={"quota": Forbidden("exceeded quota: pods")})
    async with world(tmp_path, kubernetes) as w:
        await w.room.put(apply("Deployment/web ConfigMap/quota Secret/other"))
        status = await w.applied()
        assert status.error == "ConfigMap/quota: exceeded quota: pods"
        assert sorted(w.kubernetes.applied) == ["ConfigMap/quota", "Secret/other"]
        with pytest.raises(NotFound):
            await w.room.client.get(KubernetesDiscovery, "web")


async def test_yaml_that_cannot_be_prepared_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("broken"))
        assert (await w.applied()).error == "Docker image missing from yaml: shop"


async def test_an_apply_that_takes_too_long_is_told(tmp_path: Path) -> None:
    async with world(tmp_path, FakeKubernetes(holds=anyio.Event())) as w:
        await w.room.put(apply("Deployment/web", timeout=timedelta(milliseconds=20)))
        assert (await w.applied()).error.startswith("apply timed out after ")


async def test_a_new_cause_has_it_applied_again_and_the_same_one_does_not(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        made = await w.room.put(apply("Deployment/web", "c1"))
        first = await w.applied()
        await w.room.settled()
        assert w.kubernetes.applied == ["Deployment/web"]
        newest = await w.room.client.get(KubernetesApply, "web")
        notes = {**newest.metadata.annotations, CAUSE: "c2"}
        meta = newest.metadata.model_copy(update={"annotations": notes})
        await w.room.client.update(made.model_copy(update={"metadata": meta}))
        await w.room.until(
            KubernetesApply, "web", lambda one: one.status.applied_input_hash != first.applied_input_hash
        )
        assert w.kubernetes.applied == ["Deployment/web"] * 2


async def test_what_runs_is_made_anew_when_the_resource_was_triggered_and_the_rest_stays(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("Pod/web Service/web", "one"))
        first = (await w.applied()).applied_input_hash
        later = format_micro_time(now() + timedelta(hours=1))
        for cause, trigger in (("two", "2000-01-01T00:00:00Z"), ("three", later)):
            there = await w.room.client.get(KubernetesApply, "web")
            await w.room.client.patch(there, {"metadata": {"annotations": {CAUSE: cause, TRIGGER: trigger}}})
            before = first
            found = await w.room.until(KubernetesApply, "web", lambda one: one.status.applied_input_hash != before)  # noqa: B023  reason: it is asked within this turn
            first = found.status.applied_input_hash
            assert w.kubernetes.deleted == ([] if cause == "two" else ["Pod/web"])
        assert w.kubernetes.applied == ["Service/web", "Pod/web"] * 3


async def test_what_was_applied_is_not_applied_again_by_another_server(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("Deployment/web"))
        before = await w.applied()
        await w.room.settled()
    async with world(tmp_path, connected=False) as w:
        await w.room.until(Cluster, "default", lambda one: one.status.arch)
        await w.room.settled()
        assert w.kubernetes.applied == []
        assert (await w.room.client.get(KubernetesApply, "web")).status == before


async def test_what_was_applied_goes_with_its_owner_but_namespaces_stay(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("Namespace/shop ConfigMap/web Deployment/web"))
        await w.applied()
        await w.room.settled()
        await w.room.client.delete(KubernetesApply, "web")
        await w.room.until_gone(KubernetesApply, "web")
        assert w.kubernetes.deleted == ["Deployment/web", "ConfigMap/web"]


async def changed(w: World, yaml: str, cause: str) -> KubernetesApplyStatus:
    """Have other YAML applied, and return what came of it."""
    there = await w.room.client.get(KubernetesApply, "web")
    before = there.status.applied_input_hash
    await w.room.client.patch(there, {"spec": {"yaml": yaml}, "metadata": {"annotations": {CAUSE: cause}}})
    return (await w.room.until(KubernetesApply, "web", lambda one: one.status.applied_input_hash != before)).status


async def test_what_left_the_yaml_leaves_the_cluster_once_the_rest_is_applied(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("Deployment/web ConfigMap/old Namespace/shop", "one"))
        await w.applied()
        w.kubernetes.refuses["web"] = Forbidden("exceeded quota")
        status = await changed(w, "Deployment/web", "two")
        assert w.kubernetes.deleted == []
        assert {one.name for one in status.objects} == {"web", "old", "shop"}
        w.kubernetes.refuses.clear()
        status = await changed(w, "Deployment/web", "three")
        assert w.kubernetes.deleted == ["ConfigMap/old"]
        assert [one.name for one in status.objects] == ["web"]
        assert "Objects deleted from cluster:" in w.room.log("kubernetesapply:web")


async def test_what_went_to_another_resource_stays_in_the_cluster(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("Deployment/web ConfigMap/shared"))
        await w.applied()
        other = apply("ConfigMap/shared")
        await w.room.put(other.model_copy(update={"metadata": ObjectMeta(name="other")}))
        await w.applied("other")
        await w.room.client.delete(KubernetesApply, "web")
        await w.room.until_gone(KubernetesApply, "web")
        assert w.kubernetes.deleted == ["Deployment/web"]


async def test_what_is_to_be_applied_from_here_is_applied_from_here(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(apply("Deployment/web", server_side_apply=False))
        await w.applied()
        assert [how.client_side for how in w.kubernetes.hows] == [True]


async def test_all_that_were_refused_are_named(tmp_path: Path) -> None:
    no = Forbidden("exceeded quota")
    async with world(tmp_path, FakeKubernetes(refuses={"a": no, "b": no})) as w:
        await w.room.put(apply("ConfigMap/a ConfigMap/b"))
        assert (await w.applied()).error == "ConfigMap/a: exceeded quota (and so ConfigMap/b)"


async def test_what_was_deleted_is_not_deleted_again_because_somebody_wrote_meanwhile(tmp_path: Path) -> None:
    done, go = anyio.Path(tmp_path / "done"), anyio.Path(tmp_path / "go")
    script = f"echo deleted >> {done}; until test -e {go}; do sleep 0.02; done"
    said = {"args": ("sh", "-c", script)}
    async with world(tmp_path) as w:
        await w.room.put(apply("", apply_cmd={"args": ("true",)}, delete_cmd=said))
        await w.applied()
        await w.room.settled()
        await w.room.client.delete(KubernetesApply, "web")
        for note in ("one", "two"):
            there = await w.room.client.get(KubernetesApply, "web")
            await w.room.client.patch(there, {"metadata": {"annotations": {"note": note}}})
        await go.touch()
        await w.room.until_gone(KubernetesApply, "web")
        assert await done.read_text() == "deleted\n"
