"""Which Pods a ReplicaSet makes and lets go, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from upright.controllers.node.replicas import next_available, plan, status_of
from upright.openapi.apps_v1.replica_set import ReplicaSet
from upright.openapi.core_v1.pod import Pod

if TYPE_CHECKING:
    from upright.openapi.meta import Json

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def pod(
    name: str,
    *,
    phase: str = "Running",
    ready_for: float | None = 100,
    node: str = "upright",
    restarts: int = 0,
    age: float = 100,
    cost: str = "",
    going: bool = False,
) -> Pod:
    meta: Json = {"name": name, "uid": name, "creationTimestamp": NOON - timedelta(seconds=age)}
    if cost:
        meta["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": cost}
    if going:
        meta["deletionTimestamp"] = NOON
    conditions: list[Json] = []
    if ready_for is not None:
        since = NOON - timedelta(seconds=ready_for)
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": since}]
    body: Json = {
        "metadata": meta,
        "spec": {"nodeName": node},
        "status": {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": [{"name": "web", "restartCount": restarts}],
        },
    }
    return Pod.model_validate(body)


def gone(pods: list[Pod], wanted: int) -> list[str]:
    return [one.name for one in plan(wanted, pods, NOON).delete]


def test_as_many_are_made_as_are_missing() -> None:
    assert plan(3, [pod("a"), pod("done", phase="Failed"), pod("going", going=True)], NOON).create == 2


def test_those_that_serve_least_go_first() -> None:
    best = pod("best", age=1000, ready_for=1000)
    worse = [
        pod("unbound", node="", phase="Pending", ready_for=None),
        pod("pending", phase="Pending", ready_for=None),
        pod("not-ready", ready_for=None),
        pod("cheap", cost="-5"),
        pod("just-ready", ready_for=1),
        pod("restarted", ready_for=1000, age=1000, restarts=3),
        pod("young", ready_for=1000, age=2),
    ]
    order = gone([best, *reversed(worse)], 0)
    assert order == [*(one.name for one in worse), "best"]


def test_the_status_counts_what_is_not_being_deleted() -> None:
    replica_set = ReplicaSet.model_validate(
        {"metadata": {"name": "web", "generation": 4}, "spec": {"replicas": 3, "minReadySeconds": 10}}
    )
    pods = [pod("a"), pod("b", ready_for=4), pod("c", ready_for=None), pod("d", going=True)]
    status = status_of(replica_set, pods, "", NOON)
    assert (status.replicas, status.ready_replicas, status.available_replicas) == (3, 2, 1)
    assert (status.terminating_replicas, status.observed_generation) == (1, 4)
    assert next_available(pods, 10, NOON) == 6.0


def test_trouble_is_a_condition_and_goes_when_it_is_over() -> None:
    replica_set = ReplicaSet.model_validate({"metadata": {"name": "web"}})
    failed = status_of(replica_set, [], "forbidden", NOON)
    assert [(one.type, one.reason, one.message) for one in failed.conditions] == [
        ("ReplicaFailure", "FailedCreate", "forbidden")
    ]
    again = replica_set.model_copy(update={"status": failed})
    assert status_of(again, [], "", NOON).conditions == ()
