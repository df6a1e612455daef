from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.world.last_applied import NOTE, before, merge_patch, noted, strategic_patch

if TYPE_CHECKING:
    from upright.openapi.meta import Json


def deployment(**spec: object) -> Json:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def pods(*containers: Json, **more: object) -> Json:
    return {"spec": {"containers": list(containers), **more}}


def test_what_is_applied_is_noted_and_read_back() -> None:
    wanted = deployment(replicas=2)
    body = noted(wanted)
    assert before(body) == wanted
    assert before(noted(body)) == wanted
    assert before({"metadata": {}}) == {}
    assert before({"metadata": {"annotations": {NOTE: "nonsense"}}}) == {}


def test_fields_that_left_are_taken_away_and_those_of_others_are_not_named() -> None:
    patch = merge_patch({"data": {"a": "2"}}, {"data": {"a": "1", "b": "1"}, "immutable": True})
    assert patch == {"data": {"a": "2", "b": None}, "immutable": None}


def test_elements_of_merged_lists_that_left_are_taken_out() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]
    last = deployment(template=pods({"name": "web", "env": env, "tty": True}, {"name": "old"}))
    wanted = deployment(template=pods({"name": "web", "env": env[:1]}))
    patch = strategic_patch(wanted, last)
    assert patch["spec"]["template"]["spec"]["containers"] == [
        {"name": "web", "env": [env[0], {"$patch": "delete", "name": "B"}], "tty": None},
        {"$patch": "delete", "name": "old"},
    ]


def test_ports_are_told_apart_as_their_kind_does() -> None:
    service: Json = {"kind": "Service", "spec": {"ports": [{"port": 80, "name": "a"}]}}
    last: Json = {"kind": "Service", "spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}}
    assert strategic_patch(service, last)["spec"]["ports"][1] == {"$patch": "delete", "port": 81}
    policy: Json = {"kind": "NetworkPolicy", "spec": {"ingress": [{"ports": [{"port": 80}]}]}}
    others: Json = {"kind": "NetworkPolicy", "spec": {"ingress": [{"ports": [{"port": 80}, {"port": 81}]}]}}
    assert strategic_patch(policy, others) == policy


def test_another_strategy_takes_the_place_of_the_one_before() -> None:
    patch = strategic_patch(deployment(strategy={"type": "Recreate"}), deployment())
    assert patch["spec"]["strategy"] == {"type": "Recreate", "$retainKeys": ["type"]}
