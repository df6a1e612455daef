"""What the cluster shows of applied objects: pods by who owns them or by labels, events, and whether anything is seen."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.controllers.fake_kubernetes import FakeKubernetes, deployment, event, owned, pod, replica_set
from tests.controllers.rooms import Room, now, room
from upright.client.log_folder import Selection
from upright.controllers.cluster import ClusterController
from upright.controllers.clusters import Clusters
from upright.controllers.kubernetes_discovery import KubernetesDiscoveryController
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import Cluster, ClusterConnection, ClusterSpec, KubernetesConnection
from upright.openapi.v1alpha1.kubernetes_apply import LabelSelector
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery, KubernetesDiscoverySpec, WatchRef
from upright.openapi.v1alpha1.pod_log_stream import PodLogStream
from upright.openapi.v1alpha1.port_forward import Forward, PortForward, PortForwardTemplateSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscoveryStatus

CLUSTER = Cluster(
    metadata=ObjectMeta(name="default"),
    spec=ClusterSpec(connection=ClusterConnection(kubernetes=KubernetesConnection(context="fake"))),
)


@dataclass
class World:
    room: Room
    kubernetes: FakeKubernetes

    async def shows(
        self, wanted: Callable[[KubernetesDiscoveryStatus], object], name: str = "web"
    ) -> KubernetesDiscoveryStatus:
        return (await self.room.until(KubernetesDiscovery, name, lambda one: wanted(one.status))).status

    async def put(self, **spec: object) -> Json:
        """Deploy ``web`` and have it looked at."""
        made = await self.kubernetes.apply(deployment(), namespace="default")
        watch = WatchRef(
            uid=made["metadata"]["uid"], namespace="default", name="web", api_version="apps/v1", kind="Deployment"
        )
        fields: dict[str, object] = {"watches": (watch,), **spec}
        await self.room.put(discovery("web", **fields))
        return made


def discovery(name: str = "web", **spec: object) -> KubernetesDiscovery:
    fields = KubernetesDiscoverySpec.model_validate({"cluster": "default", **spec})
    return KubernetesDiscovery(metadata=ObjectMeta(name=name), spec=fields)


@asynccontextmanager
async def world(
    folder: Path, kubernetes: FakeKubernetes | None = None, *, connected: bool = True
) -> AsyncGenerator[World]:
    fake, clusters = kubernetes or FakeKubernetes(), Clusters()
    async with room(
        folder,
        lambda logs: [
            ClusterController(fake.opened, clusters, logs, now),
            KubernetesDiscoveryController(clusters, logs),
        ],
    ) as opened:
        if connected:
            await opened.put(CLUSTER)
        yield World(opened, fake)


def names(status: KubernetesDiscoveryStatus) -> list[str]:
    return [one.name for one in status.pods]


async def test_pods_are_found_by_who_owns_them(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        web = await w.put()
        replicas = w.kubernetes.show(replica_set(web))
        w.kubernetes.show(pod(replicas))
        w.kubernetes.show(pod(await w.kubernetes.apply(deployment("other"), namespace="default"), "other-1"))
        status = await w.shows(names)
        assert names(status) == ["web-1"]
        assert status.pods[0].ancestor_uid == web["metadata"]["uid"]
        assert [one.kind for one in status.objects] == ["Deployment"]
        assert status.running


async def test_changes_of_a_pod_and_its_end_are_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        web = await w.put()
        made = w.kubernetes.show(pod(web, "web-1", {"waiting": {"reason": "ContainerCreating"}}, phase="Pending"))
        await w.shows(lambda one: one.pods and one.pods[0].status == "ContainerCreating")
        w.kubernetes.show(pod(web))
        await w.shows(lambda one: one.pods and one.pods[0].status == "Running")
        w.kubernetes.remove("Pod", made["metadata"]["name"])
        await w.shows(lambda one: not one.pods)


async def test_the_objects_own_status_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.put()
        w.kubernetes.status("Deployment", "web", replicas=1)
        status = await w.shows(lambda one: one.objects and one.objects[0].status)
        assert status.objects[0].status == {"observedGeneration": 1, "replicas": 1}


async def test_an_object_that_is_gone_is_told_as_it_was_last(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.put()
        w.kubernetes.status("Deployment", "web", replicas=1)
        await w.shows(lambda one: one.objects and one.objects[0].status)
        w.kubernetes.remove("Deployment", "web")
        (gone,) = (await w.shows(lambda one: one.objects and one.objects[0].deleted_at)).objects
        assert gone.status["replicas"] == 1


async def test_an_object_that_went_while_nobody_looked_is_told_as_it_was_last(tmp_path: Path) -> None:
    kubernetes = FakeKubernetes()
    async with world(tmp_path, kubernetes) as w:
        web = await w.put()
        w.kubernetes.show(pod(web))
        await w.shows(lambda one: one.objects and one.pods)
    del kubernetes.objects[web["metadata"]["uid"]]
    async with world(tmp_path, kubernetes, connected=False) as w:
        first = await w.shows(lambda one: one.objects and one.objects[0].deleted_at)
        w.kubernetes.show(pod(web, "web-2"))
        second = await w.shows(lambda one: "web-2" in names(one))
        assert [one.deleted_at for one in first.objects] == [one.deleted_at for one in second.objects]


async def test_only_pods_of_the_newest_replica_set_are_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        web = await w.put()
        for revision in (1, 2):
            owner = w.kubernetes.show(replica_set(web, f"rs-{revision}", revision))
            w.kubernetes.show(pod(owner, f"pod-{revision}"))
        await w.shows(lambda one: names(one) == ["pod-2"])


async def test_pods_are_found_by_their_labels(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        watch = WatchRef(namespace="default")
        selector = LabelSelector(match_labels={"app": "shop"})
        await w.room.put(discovery(watches=(watch,), extra_selectors=(selector,)))
        other = await w.kubernetes.apply(deployment("other"), namespace="default")
        labelled = pod(other, "shop-1")
        labelled["metadata"]["labels"] = {"app": "shop"}
        w.kubernetes.show(pod(other, "other-1"))
        w.kubernetes.show(labelled)
        assert names(await w.shows(names)) == ["shop-1"]


async def test_an_object_without_a_uid_is_looked_at_by_its_name_alone(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        watch = WatchRef(namespace="default", name="web", api_version="apps/v1", kind="Deployment")
        selector = LabelSelector(match_labels={"app": "shop"})
        web = await w.put(watches=(watch,), extra_selectors=(selector,))
        labelled = pod(web, "shop-1")
        labelled["metadata"]["labels"] = {"app": "shop"}
        w.kubernetes.show(pod(web, "web-1"))
        w.kubernetes.show(labelled)
        status = await w.shows(lambda one: one.objects and one.pods)
        assert (names(status), [one.name for one in status.objects]) == (["shop-1"], ["web"])


async def test_events_about_pods_are_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        made = w.kubernetes.show(pod(await w.put()))
        w.kubernetes.show(event(made, "Unhealthy", "Readiness probe failed"))
        status = await w.shows(lambda one: one.events)
        assert [(one.reason, one.name) for one in status.events] == [("Unhealthy", "web-1")]
        (line,) = w.room.logs.read(Selection())
        assert (line.text, line.level) == ("[event: pod web-1] Readiness probe failed", "WARN")


async def test_logs_of_each_pod_are_read_and_ports_lead_to_the_best(tmp_path: Path) -> None:
    template = PortForwardTemplateSpec(forwards=(Forward(local_port=8000, container_port=80),))
    async with world(tmp_path) as w:
        web = await w.put(port_forward_template_spec=template)
        w.kubernetes.show(pod(web))
        w.kubernetes.show(pod(web, "web-2", {"waiting": {"reason": "x"}}, phase="Pending"))
        forward = await w.room.until(PortForward, "web-web-1", lambda one: one.spec.forwards)
        assert forward.spec.forwards[0].container_port == 80
        stream = await w.room.until(PodLogStream, "web-default-web-2", lambda one: one.spec.pod)
        assert stream.metadata.annotations["tilt.dev/log-span-id"] == "pod:web:web-2"
        w.kubernetes.remove("Pod", "web-1")
        await w.room.until_gone(PortForward, "web-web-1")
        await w.room.until_gone(PodLogStream, "web-default-web-1")


async def test_without_a_cluster_it_waits(tmp_path: Path) -> None:
    async with world(tmp_path, connected=False) as w:
        await w.put()
        status = await w.shows(lambda one: one.waiting)
        assert status.waiting
        assert status.waiting.reason == "ClusterUnavailable"
        await w.room.put(CLUSTER)
        await w.shows(lambda one: one.running)


async def test_that_sight_is_lost_and_found_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        web = await w.put()
        w.kubernetes.show(pod(web))
        await w.shows(names)
        w.kubernetes.lose_sight()
        lost = await w.shows(lambda one: one.sight_lost_at)
        assert names(lost) == ["web-1"]
        w.kubernetes.regain_sight()
        await w.shows(lambda one: one.sight_lost_at is None)


async def test_what_went_while_nobody_looked_is_gone_when_sight_is_found(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        web = await w.put()
        w.kubernetes.show(pod(web))
        w.kubernetes.show(pod(web, "web-2"))
        await w.shows(lambda one: len(one.pods) == 2)
        w.kubernetes.lose_sight()
        del w.kubernetes.objects["uid-of-web-1"]
        w.kubernetes.regain_sight()
        status = await w.shows(lambda one: names(one) == ["web-2"])
        assert status.sight_lost_at is None


async def test_another_server_sees_the_same_and_writes_nothing_new(tmp_path: Path) -> None:
    kubernetes = FakeKubernetes()
    async with world(tmp_path, kubernetes) as w:
        web = await w.put()
        w.kubernetes.show(pod(web))
        await w.shows(names)
        await w.room.settled()
        before = await w.room.client.get(KubernetesDiscovery, "web")
        streams = (await w.room.client.list(PodLogStream)).items
    async with world(tmp_path, kubernetes, connected=False) as w:
        await w.room.until(Cluster, "default", lambda one: one.status.arch)
        status = await w.shows(names)
        await w.room.settled()
        assert status.pods == before.status.pods
        assert [one.metadata.uid for one in (await w.room.client.list(PodLogStream)).items] == [
            one.metadata.uid for one in streams
        ]


async def test_another_server_keeps_what_was_seen_until_it_is_connected(tmp_path: Path) -> None:
    kubernetes = FakeKubernetes()
    async with world(tmp_path, kubernetes) as w:
        w.kubernetes.show(pod(await w.put()))
        await w.shows(names)
        await w.room.client.delete(Cluster, "default")
        await w.room.until_gone(Cluster, "default")
    async with world(tmp_path, kubernetes, connected=False) as w:
        blind = await w.shows(lambda one: one.waiting)
        assert (names(blind), [one.kind for one in blind.objects]) == (["web-1"], ["Deployment"])
        assert blind.waiting
        assert blind.waiting.reason == "ClusterUnavailable"
        assert blind.sight_lost_at is not None
        await w.room.put(CLUSTER)
        status = await w.shows(lambda one: one.waiting is None and one.sight_lost_at is None)
        assert names(status) == ["web-1"]


def hooks(*services: tuple[str, str]) -> Json:
    called = [{"clientConfig": {"service": {"namespace": place, "name": name}}} for place, name in services]
    by_url = {"clientConfig": {"url": "https://elsewhere/check"}}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "checks"},
        "webhooks": [*called, by_url],
    }


def endpoints(name: str, service: str, *ready: bool | None) -> Json:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "uid": f"uid-of-{name}",
            "name": name,
            "namespace": "system",
            "labels": {"kubernetes.io/service-name": service},
        },
        "endpoints": [
            {"addresses": ["10.0.0.1"], "conditions": {} if one is None else {"ready": one}} for one in ready
        ],
    }


async def test_who_answers_a_webhook_is_told_with_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        made = await w.kubernetes.apply(hooks(("system", "checker"), ("system", "checker")), namespace="default")
        watch = WatchRef(
            uid=made["metadata"]["uid"],
            namespace="default",
            name="checks",
            api_version=made["apiVersion"],
            kind=made["kind"],
        )
        await w.room.put(discovery("web", watches=(watch,)))

        def services(one: KubernetesDiscoveryStatus) -> object:
            return one.objects[0].status["services"] if one.objects else None

        nobody = [{"namespace": "system", "name": "checker", "ready": 0}]
        await w.shows(lambda one: services(one) == nobody)
        w.kubernetes.show(endpoints("other", "somebody", True))
        w.kubernetes.show(endpoints("not-yet", "checker", False))
        assert services(await w.shows(lambda one: services(one) == nobody)) == nobody
        w.kubernetes.show(endpoints("now", "checker", False, True, None))
        await w.shows(lambda one: services(one) == [nobody[0] | {"ready": 2}])


async def test_pods_of_a_custom_resource_are_found_through_owners_that_nobody_mirrors(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        body = {"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": {"name": "one"}}
        widget = await w.kubernetes.apply(body, namespace="default")
        uid = widget["metadata"]["uid"]
        before = w.kubernetes.show(owned("StatefulSet", "one-db", widget, {}, api_version="apps/v1"))
        w.kubernetes.show(pod(before, "one-db-0"))
        watch = WatchRef(uid=uid, namespace="default", name="one", api_version="shop.example/v1", kind="Widget")
        await w.room.put(discovery("one", watches=(watch,)))
        await w.shows(lambda one: names(one) == ["one-db-0"], "one")
        part = w.kubernetes.show(owned("Part", "one-part", widget, {}, api_version="shop.example/v1"))
        web = w.kubernetes.show(owned("Deployment", "one-web", part, {}, api_version="apps/v1"))
        w.kubernetes.show(pod(w.kubernetes.show(replica_set(web)), "one-web-1"))
        status = await w.shows(lambda one: len(one.pods) == 2, "one")
        assert [one.ancestor_uid for one in status.pods] == [uid, uid]
        gone = pod(before, "one-db-0")
        w.kubernetes.remove("Pod", gone["metadata"]["name"])
        await w.shows(lambda one: names(one) == ["one-web-1"], "one")


async def test_an_owner_that_cannot_be_asked_about_now_is_asked_about_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.kubernetes.unreadable = 1
        body = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}}
        nightly = await w.kubernetes.apply(body, namespace="default")
        job = w.kubernetes.show(owned("Job", "nightly-1", nightly, {}, api_version="batch/v1"))
        w.kubernetes.show(pod(job, "nightly-1-x"))
        uid = nightly["metadata"]["uid"]
        watch = WatchRef(uid=uid, namespace="default", name="nightly", api_version="batch/v1", kind="CronJob")
        await w.room.put(discovery("nightly", watches=(watch,)))
        await w.shows(lambda one: names(one) == ["nightly-1-x"], "nightly")
