"""The arithmetic of rollouts, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.controllers.node.embedded import deployment
from upright.controllers.node.replica_sets_of import made_for, next_revision, split, template_hash
from upright.controllers.node.rollout import (
    DESIRED,
    MAXIMUM,
    REVISION,
    Limits,
    limits,
    proportional,
    rolling,
    surplus_history,
)
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.apps_v1.replica_set import ReplicaSet

if TYPE_CHECKING:
    from upright.openapi.meta import Json

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def web(replicas: int, surge: int | str = "25%", unavailable: int | str = "25%", **spec: object) -> Deployment:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    return Deployment.model_validate(deployment("runs:1", replicas=replicas, strategy=strategy, **spec))


def replica_set(
    name: str, replicas: int, available: int, *, age: int = 0, notes: dict[str, str] | None = None
) -> ReplicaSet:
    body: Json = {
        "metadata": {"name": name, "annotations": notes or {}, "creationTimestamp": NOON - timedelta(seconds=age)},
        "spec": {"replicas": replicas},
        "status": {"replicas": replicas, "availableReplicas": available},
    }
    return ReplicaSet.model_validate(body)


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (1, "25%", "25%", Limits(1, 0)),
        (2, "25%", "25%", Limits(1, 0)),
        (4, "25%", "25%", Limits(1, 1)),
        (10, "25%", "25%", Limits(3, 2)),
        (3, 0, "25%", Limits(0, 1)),
        (3, 0, 1, Limits(0, 1)),
        (2, 0, 5, Limits(0, 2)),
    ],
)
def test_shares_are_rounded_for_the_pods_that_serve(
    replicas: int, surge: int | str, unavailable: int | str, expected: Limits
) -> None:
    assert limits(web(replicas, surge, unavailable)) == expected


STEPS: list[tuple[str, Deployment, tuple[int, int], list[tuple[int, int]], dict[str, int]]] = [
    ("first room is used", web(4, 1, 1), (0, 0), [(4, 4)], {"new": 1}),
    ("then the old give way", web(4, 1, 1), (1, 0), [(4, 4)], {"old0": 3}),
    ("nothing while as many as allowed are missing", web(4, 1, 1), (2, 0), [(3, 3)], {}),
    ("what came up lets as many old ones go", web(4, 1, 1), (2, 2), [(3, 3)], {"old0": 1}),
    ("what is broken goes first", web(4, 1, 1), (1, 0), [(4, 1)], {"old0": 3}),
    ("the oldest goes first", web(4, 1, 1), (2, 2), [(1, 1), (2, 2)], {"old0": 0, "old1": 1}),
    ("done", web(4, 1, 1), (4, 4), [(0, 0)], {}),
    ("too many new ones", web(2, 1, 1), (4, 4), [(0, 0)], {"new": 2}),
    ("no surge: old ones give way first", web(3, 0, 1), (0, 0), [(3, 3)], {"old0": 2}),
]


@pytest.mark.parametrize(("what", "wanted", "new", "old", "expected"), STEPS, ids=[step[0] for step in STEPS])
def test_a_rolling_update_goes_step_by_step(
    what: str, wanted: Deployment, new: tuple[int, int], old: list[tuple[int, int]], expected: dict[str, int]
) -> None:
    newest = replica_set("new", *new)
    others = [replica_set(f"old{at}", *sizes, age=100 - at) for at, sizes in enumerate(old)]
    assert rolling(wanted, newest, others) == expected


def test_a_rollout_never_leaves_its_limits() -> None:
    wanted = web(10, 3, 2)
    new, old = replica_set("new", 0, 0), replica_set("old", 10, 10)
    for _ in range(40):
        sizes = rolling(wanted, new, [old])
        new = replica_set("new", sizes.get("new", new.spec.replicas), new.status.available_replicas)
        old = replica_set("old", sizes.get("old", old.spec.replicas), min(10, sizes.get("old", old.spec.replicas)))
        assert new.spec.replicas + old.spec.replicas <= 13
        assert new.status.available_replicas + old.status.available_replicas >= 8
        if not sizes:  # one more gets ready
            new = replica_set("new", new.spec.replicas, min(new.spec.replicas, new.status.available_replicas + 1))
    assert (new.spec.replicas, old.spec.replicas) == (10, 0)


def test_replicas_change_in_the_middle_of_a_rollout_in_proportion() -> None:
    notes = {DESIRED: "10", MAXIMUM: "13"}
    new, old = replica_set("new", 5, 2, notes=notes), replica_set("old", 8, 8, notes=notes)
    assert proportional(web(15, 3, 2), new, [old]) == {"new": 7, "old": 11}


def test_replicas_change_outside_of_a_rollout() -> None:
    new, old = replica_set("new", 3, 3, notes={DESIRED: "3"}), replica_set("old", 0, 0)
    assert proportional(web(5), new, [old]) == {"new": 5}
    assert proportional(web(3), new, [replica_set("old", 2, 2)]) == {"old": 0}
    assert proportional(web(0), new, [old]) == {"new": 0}


def test_the_template_finds_its_replica_set() -> None:
    wanted = web(2)
    made = made_for(wanted, (), 1)
    assert made.name == f"web-{template_hash(wanted.spec.template, 0)}"
    assert made.spec.template.metadata.labels["pod-template-hash"] in made.name
    assert split(wanted, [made]) == (made, [])
    changed = Deployment.model_validate(deployment("runs:2"))
    assert split(changed, [made]) == (None, [made])
    assert template_hash(wanted.spec.template, 1) != template_hash(wanted.spec.template, 0)


def test_a_template_that_comes_back_gets_a_new_revision() -> None:
    first = replica_set("a", 0, 0, notes={REVISION: "1"})
    second = replica_set("b", 1, 1, notes={REVISION: "2"})
    assert next_revision(None, []) == 1
    assert next_revision(second, [first]) == 2
    assert next_revision(first, [second]) == 3


def test_the_oldest_idle_replica_sets_are_forgotten() -> None:
    old = [replica_set(str(number), 0, 0, notes={REVISION: str(number)}) for number in (1, 2, 10)]
    assert [one.name for one in surplus_history(web(1, revisionHistoryLimit=1), old)] == ["1", "2"]
    assert surplus_history(web(1, revisionHistoryLimit=0), [replica_set("x", 0, 0), replica_set("y", 1, 1)]) != []
    assert [one.name for one in surplus_history(web(1, revisionHistoryLimit=0), [replica_set("y", 1, 1)])] == []
