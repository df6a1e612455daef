"""Which pods count, and to which one the ports lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.verdict.cases import ago, container, pod, running
from upright.controllers.fingerprint import RESOURCE
from upright.controllers.pod_choice import current_pods, forward_for, selected
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.kubernetes_apply import LabelSelector
from upright.openapi.v1alpha1.kubernetes_discovery import (
    KubernetesDiscovery,
    KubernetesDiscoverySpec,
    ObservedObject,
    PodCondition,
    WatchRef,
)
from upright.openapi.v1alpha1.port_forward import Forward, PortForwardTemplateSpec

if TYPE_CHECKING:
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_discovery import Pod

WELL = container(running())


def replica_set(uid: str, owner: str = "d1") -> ObservedObject:
    owners = (owner,) if owner else ()
    return ObservedObject(api_version="apps/v1", kind="ReplicaSet", name=uid, uid=uid, owner_uids=owners)


def sight(**revisions: int) -> dict[str, Json]:
    key = "deployment.kubernetes.io/revision"
    return {uid: {"metadata": {"annotations": {key: str(number)}}} for uid, number in revisions.items()}


def of(uid: str, name: str, seconds: float = 10) -> Pod:
    return pod(WELL, name=name, owner_uid=uid, created_at=ago(seconds))


def test_pods_of_the_revision_before_do_not_count_though_no_newer_replica_set_is_seen_yet() -> None:
    objects = {"old": replica_set("old")}
    assert current_pods([of("old", "a")], objects, sight(old=9, d1=10)) == ()
    assert len(current_pods([of("old", "a")], objects, sight(old=9, d1=9))) == 1


def test_only_pods_of_the_newest_replica_set_count() -> None:
    objects = {"old": replica_set("old"), "new": replica_set("new")}
    chosen = current_pods([of("old", "a"), of("new", "b")], objects, sight(old=9, new=10))
    assert [one.name for one in chosen] == ["b"]


def test_each_deployment_has_its_own_newest_replica_set() -> None:
    objects = {"a": replica_set("a", "d1"), "b": replica_set("b", "d2")}
    chosen = current_pods([of("a", "a"), of("b", "b")], objects, sight(a=1, b=7))
    assert [one.name for one in chosen] == ["a", "b"]


def test_all_other_pods_count_the_oldest_first() -> None:
    pods = [of("job", "c", 1), of("alone", "b", 9), of("", "a", 5)]
    assert [one.name for one in current_pods(pods, {"alone": replica_set("alone", "")}, {})] == ["b", "a", "c"]


def test_a_rollouts_newest_replica_set_is_known_by_its_own_number() -> None:
    objects = {"z": replica_set("z"), "a": replica_set("a")}
    notes: dict[str, Json] = {
        uid: {"metadata": {"annotations": {"rollout.argoproj.io/revision": number}}}
        for uid, number in (("z", "1"), ("a", "2"))
    }
    assert [one.name for one in current_pods([of("z", "old"), of("a", "new")], objects, notes)] == ["new"]


def test_without_a_number_the_youngest_replica_set_is_the_newest() -> None:
    objects = {"z": replica_set("z"), "a": replica_set("a")}
    dates: dict[str, Json] = {
        uid: {"metadata": {"creationTimestamp": f"2026-01-0{day}T00:00:00Z"}} for uid, day in (("z", 1), ("a", 2))
    }
    assert [one.name for one in current_pods([of("z", "old"), of("a", "new")], objects, dates)] == ["new"]


def revised(kind: str, strategy: Json, *, pods_of: str) -> list[str]:
    """Return which of two pods count: ``old`` of revision 1, ``new`` of revision 2, which is the newest."""
    known: dict[str, Json] = {
        "s": {
            "kind": kind,
            "metadata": {"annotations": {"deprecated.daemonset.template.generation": "2"}},
            "spec": {"updateStrategy": strategy},
            "status": {"updateRevision": "2"},
        },
        "uid-of-old": {"metadata": {"labels": {pods_of: "1"}}},
        "uid-of-new": {"metadata": {"labels": {pods_of: "2"}}},
    }
    ready = {"conditions": (PodCondition(type="Ready", status="True"),)}
    pods = [of("s", "old").model_copy(update=ready), of("s", "new", 1)]
    return [one.name for one in current_pods(pods, {}, known)]


@pytest.mark.parametrize(
    ("kind", "strategy", "label", "names"),
    [
        ("StatefulSet", {"type": "RollingUpdate"}, "controller-revision-hash", ["new"]),
        ("StatefulSet", {"rollingUpdate": {"partition": 1}}, "controller-revision-hash", ["old", "new"]),
        ("StatefulSet", {"type": "OnDelete"}, "controller-revision-hash", ["old", "new"]),
        ("DaemonSet", {}, "pod-template-generation", ["new"]),
        ("DaemonSet", {"type": "OnDelete"}, "pod-template-generation", ["old", "new"]),
        ("Other", {}, "controller-revision-hash", ["old", "new"]),
    ],
)
def test_pods_that_their_workload_is_going_to_replace_do_not_count(
    kind: str, strategy: Json, label: str, names: list[str]
) -> None:
    assert revised(kind, strategy, pods_of=label) == names


@pytest.mark.parametrize(
    ("policy", "ready", "more", "counts"),
    [
        ("OrderedReady", "False", {}, True),
        ("OrderedReady", "True", {}, False),
        ("OrderedReady", "False", {"deleting": True}, False),
        ("OrderedReady", "False", {"phase": "Failed"}, False),
        ("Parallel", "False", {}, False),
    ],
)
def test_a_pod_that_a_stateful_set_waits_for_counts_though_it_is_of_the_revision_before(
    policy: str, ready: str, more: dict[str, object], counts: bool
) -> None:
    known: dict[str, Json] = {
        "s": {
            "kind": "StatefulSet",
            "metadata": {},
            "spec": {"podManagementPolicy": policy},
            "status": {"updateRevision": "2"},
        },
        "uid-of-db-0": {"metadata": {"labels": {"controller-revision-hash": "1"}}},
    }
    told = (PodCondition(type="Ready", status=ready),)
    db = pod(WELL, name="db-0", owner_uid="s", **{"conditions": told} | more)
    assert (current_pods([db], {}, known) == (db,)) is counts


BODY: Json = {"metadata": {"labels": {"app": "web", "tier": "front"}}}


@pytest.mark.parametrize(
    ("selector", "yes"),
    [
        ({"match_labels": {"app": "web"}}, True),
        ({"match_labels": {"app": "web", "tier": "back"}}, False),
        ({"match_expressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]}, True),
        ({"match_expressions": [{"key": "app", "operator": "In", "values": ["api"]}]}, False),
        ({"match_expressions": [{"key": "app", "operator": "NotIn", "values": ["api"]}]}, True),
        ({"match_expressions": [{"key": "none", "operator": "NotIn", "values": ["api"]}]}, True),
        ({"match_expressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"match_expressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({}, True),
    ],
)
def test_labels_are_matched_as_kubernetes_does(selector: dict[str, object], yes: bool) -> None:
    assert selected(LabelSelector.model_validate(selector), BODY) is yes


DISCOVERY = KubernetesDiscovery(
    metadata=ObjectMeta(name="web", annotations={RESOURCE: "shop"}),
    spec=KubernetesDiscoverySpec(watches=(WatchRef(namespace="default"),), cluster="default"),
)


def forwarded(*pods: Pod, present: str = "") -> str:
    template = PortForwardTemplateSpec(forwards=(Forward(local_port=8000, container_port=80),))
    found = forward_for(DISCOVERY, pods, template, present)
    return found.spec.pod_name if found is not None else ""


NOT_READY = container(running(), ready=False)


@pytest.mark.parametrize(
    ("pods", "present", "chosen"),
    [
        ((), "", ""),
        ((pod(WELL, phase="Pending"),), "", ""),
        ((pod(WELL, name="a"), pod(WELL, name="b", created_at=ago(1))), "", "b"),
        ((pod(WELL, name="a"), pod(WELL, name="b", created_at=ago(1))), "a", "a"),
        ((pod(WELL, name="a"), pod(NOT_READY, name="b", created_at=ago(1))), "b", "a"),
        ((pod(NOT_READY, name="a"), pod(WELL, name="b", deleting=True)), "b", "a"),
        ((pod(WELL, name="b", deleting=True),), "", "b"),
    ],
)
def test_ports_lead_to_the_best_running_pod(pods: tuple[Pod, ...], present: str, chosen: str) -> None:
    assert forwarded(*pods, present=present) == chosen


@pytest.mark.parametrize(
    ("local", "container_port", "ports", "leads_to"),
    [
        (8000, 80, (9000,), 80),
        (8000, 0, (9000, 8000), 8000),
        (8000, 0, (9000, 9001), 9000),
        (8000, 0, (), 8000),
    ],
)
def test_a_container_port_that_is_not_said_is_found_as_tilt_does(
    local: int, container_port: int, ports: tuple[int, ...], leads_to: int
) -> None:
    template = PortForwardTemplateSpec(forwards=(Forward(local_port=local, container_port=container_port),))
    found = forward_for(DISCOVERY, [pod(container(running(), ports=ports))], template)
    assert found
    assert [one.container_port for one in found.spec.forwards] == [leads_to]
    assert found.metadata.annotations[RESOURCE] == "shop"
    assert found.name == "web-web-1"


def test_a_forward_without_any_port_is_left_out() -> None:
    template = PortForwardTemplateSpec(forwards=(Forward(),))
    assert forward_for(DISCOVERY, [pod(WELL)], template) is None
