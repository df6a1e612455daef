"""From a cluster's JSON: pods in Tilt's shape, with kubectl's word for them; objects and events in short."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.controllers.verdict.cases import NOW, ago, later, wire
from upright.controllers import observation
from upright.openapi.v1alpha1.kubernetes_discovery import PodOwner

if TYPE_CHECKING:
    from datetime import datetime

    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_discovery import Pod


def status_of(name: str, state: object, **more: object) -> Json:
    return {"name": name, "image": "shop:1", "state": state, "ready": False, "restartCount": 0, **more}


def waits(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason, "message": message}}


def over(code: int = 0, reason: str = "") -> Json:
    return {"terminated": {"exitCode": code, "reason": reason}}


RUNS: Json = {"running": {"startedAt": wire(ago(5))}}


def body(*containers: Json, inits: tuple[Json, ...] = (), meta: Json | None = None, **status: object) -> Json:
    return {
        "metadata": {"uid": "p1", "name": "web-1", "namespace": "default", **(meta or {})},
        "spec": {
            "restartPolicy": "Always",
            "containers": [{"name": one["name"]} for one in containers],
            "initContainers": [{"name": one["name"]} for one in inits],
        },
        "status": {"containerStatuses": list(containers), "initContainerStatuses": list(inits), **status},
    }


DELETED = {"deletionTimestamp": wire(NOW)}


@pytest.mark.parametrize(
    ("pod", "word"),
    [
        (body(phase="Pending"), "Pending"),
        (body(), "Unknown"),
        (body(phase="Failed", reason="Evicted"), "Evicted"),
        (body(status_of("web", RUNS), phase="Running"), "Running"),
        (body(status_of("web", waits("ContainerCreating")), phase="Pending"), "ContainerCreating"),
        (body(status_of("web", waits("CrashLoopBackOff")), phase="Running"), "CrashLoopBackOff"),
        (body(status_of("a", waits("A")), status_of("b", waits("B")), phase="Pending"), "A"),
        (body(status_of("web", over(1, "Error")), phase="Running"), "Error"),
        (body(status_of("web", over(3)), phase="Failed"), "ExitCode:3"),
        (body(status_of("web", over(0, "Completed")), phase="Succeeded"), "Completed"),
        (body(status_of("a", over(0, "Completed")), status_of("b", RUNS, ready=True), phase="Running"), "Running"),
        (body(status_of("a", over(0, "Completed")), status_of("b", RUNS), phase="Running"), "NotReady"),
        (body(status_of("web", RUNS), phase="Running", meta=DELETED), "Terminating"),
        (
            body(inits=(status_of("one", over(0)), status_of("two", waits("PodInitializing"))), phase="Pending"),
            "Init:1/2",
        ),
        (body(inits=(status_of("one", RUNS),), phase="Pending"), "Init:0/1"),
        (body(inits=(status_of("one", waits("CrashLoopBackOff")),), phase="Pending"), "Init:CrashLoopBackOff"),
        (body(inits=(status_of("one", over(2, "Error")),), phase="Pending"), "Init:Error"),
        (body(status_of("web", RUNS), inits=(status_of("one", over(0)),), phase="Running"), "Running"),
    ],
)
def test_a_pods_word_is_kubectls(pod: Json, word: str) -> None:
    assert observation.pod_word(pod) == word


def test_a_pod_is_told_in_tilts_shape() -> None:
    owner = {"name": "web-rs", "uid": "r1", "kind": "ReplicaSet", "apiVersion": "apps/v1", "controller": True}
    other = {"name": "x", "uid": "x", "kind": "X", "apiVersion": "x/v1"}
    meta = {
        "creationTimestamp": wire(ago(60)),
        "labels": {observation.TEMPLATE_HASH: "abc"},
        "ownerReferences": [other, owner],
    }
    given = body(status_of("web", RUNS, ready=True, restartCount=2, lastState=over(7, "Error")), meta=meta)
    given["spec"]["containers"] = [
        {"name": "web", "readinessProbe": {}, "ports": [{"containerPort": 80}, {"containerPort": 81}]}
    ]
    found = observation.pod(given, "d1", None, NOW)
    assert (found.uid, found.name, found.namespace, found.created_at) == ("p1", "web-1", "default", ago(60))
    assert (found.ancestor_uid, found.owner_uid, found.pod_template_spec_hash) == ("d1", "r1", "abc")
    assert found.owner == PodOwner(name="web-rs", api_version="apps/v1", kind="ReplicaSet")
    (one,) = found.containers
    assert (one.ready, one.restarts, one.ports, one.probed) == (True, 2, (80, 81), True)
    assert one.last
    assert one.last.terminated
    assert one.last.terminated.exit_code == 7
    assert one.state.running
    assert one.state.running.started_at == ago(5)


def test_a_pod_without_a_controller_has_no_owner() -> None:
    assert observation.pod(body(), "", None, NOW).owner is None


def test_how_long_a_container_waits_for_one_reason_is_kept() -> None:
    first = observation.pod(body(status_of("web", waits("CreateContainerConfigError"))), "", None, NOW)
    again = observation.pod(body(status_of("web", waits("CreateContainerConfigError", "more"))), "", first, later(9))
    other = observation.pod(body(status_of("web", waits("ErrImagePull"))), "", again, later(10))
    since = [one.containers[0].state.waiting for one in (first, again, other)]
    assert [state.since for state in since if state is not None] == [NOW, NOW, later(10)]


def runs(restarts: int = 0, started: float = 0.4) -> Json:
    """Return a status of a container that began so many seconds ago, told in whole seconds."""
    since = {"startedAt": wire(ago(started).replace(microsecond=0))}
    its = {"containerID": f"docker://{restarts}", "restartCount": restarts, "ready": True}
    return status_of("web", {"running": since}) | its


def counts_from(found: Pod) -> datetime | None:
    running = found.containers[0].state.running
    assert running is not None
    return running.counts_from


def test_a_containers_time_counts_from_when_it_was_first_seen_and_an_end_could_have_been_told() -> None:
    first = observation.pod(body(runs()), "", None, NOW, timedelta(seconds=2))
    again = observation.pod(body(runs()), "", first, later(1), timedelta(seconds=2))
    anew = observation.pod(body(runs(restarts=1)), "", again, later(3), timedelta(seconds=2))
    assert [counts_from(one) for one in (first, again, anew)] == [later(2), later(2), later(5)]


def test_a_container_that_had_run_for_long_when_it_was_first_seen_counts_from_its_start() -> None:
    assert counts_from(observation.pod(body(runs(started=90)), "", None, NOW)) == ago(90).replace(microsecond=0)


def test_a_container_of_a_machine_whose_clock_is_ahead_counts_from_when_it_was_seen() -> None:
    assert counts_from(observation.pod(body(runs(started=-30)), "", None, NOW)) == NOW


def test_a_pods_errors_are_what_its_containers_say() -> None:
    loop = status_of(
        "web", waits("CrashLoopBackOff", "back-off 10s"), lastState={"terminated": {"message": "bye", "exitCode": 1}}
    )
    fine = status_of("side", waits("ContainerCreating", "soon"))
    assert observation.pod(body(loop, fine), "", None, NOW).errors == ("back-off 10s", "bye")


def test_an_object_is_kept_in_the_part_that_is_read() -> None:
    found = observation.observed(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "web",
                "uid": "d1",
                "generation": 4,
                "ownerReferences": [{"uid": "o1"}],
                **DELETED,
            },
            "spec": {"replicas": 3, "template": {"spec": {}}},
            "status": {"replicas": 3},
        }
    )
    assert (found.uid, found.generation, found.deleting, found.owner_uids) == ("d1", 4, True, ("o1",))
    assert (found.spec, found.status) == ({"replicas": 3}, {"replicas": 3})


@pytest.mark.parametrize(
    ("times", "count", "when"),
    [
        ({"count": 3, "lastTimestamp": wire(ago(3))}, 3, ago(3)),
        ({"count": None, "lastTimestamp": None, "eventTime": wire(ago(4))}, 1, ago(4)),
        ({"eventTime": wire(ago(9)), "series": {"count": 7, "lastObservedTime": wire(ago(2))}}, 7, ago(2)),
        ({}, 1, ago(60)),
    ],
)
def test_an_event_is_told_with_how_often_and_when_last(times: Json, count: int, when: object) -> None:
    meta = {"name": "e", "creationTimestamp": wire(ago(60))}
    about = {"kind": "Pod", "name": "web-1", "uid": "p1", "namespace": "default"}
    given = {"metadata": meta, "involvedObject": about, "type": "Warning", "reason": "BackOff", "message": "x", **times}
    found = observation.event(given)
    assert (found.uid, found.reason, found.count, found.time) == ("p1", "BackOff", count, when)
