from __future__ import annotations

from datetime import UTC, datetime

import pytest

from upright.controllers.node.endpoints import Backend, backends
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.service import Service


def pod(name: str, ip: str, *, ready: bool = True, **more: object) -> Pod:
    labels = more.pop("labels", {"app": "web"})
    body = {
        "metadata": {"name": name, "namespace": "shop", "labels": labels, **more},
        "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }
    return Pod.model_validate(body)


def service(target: int | str | None = 8080, **spec: object) -> Service:
    ports = [{"port": 80, "targetPort": target}]
    return Service.model_validate(
        {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"selector": {"app": "web"}, "ports": ports, **spec}}
    )


def led(what: Service, *pods: Pod) -> tuple[Backend, ...]:
    return backends(what, what.spec.ports[0], pods)


@pytest.mark.parametrize(("target", "port"), [(8080, 8080), ("http", 8080), (None, 80)])
def test_ready_pods_are_led_to_by_their_target_port(target: int | str | None, port: int) -> None:
    assert led(service(target), pod("b", "2"), pod("a", "1")) == (Backend("1", port), Backend("2", port))


@pytest.mark.parametrize(
    "other",
    [
        pod("a", "1", ready=False),
        pod("a", "1", labels={"app": "db"}),
        pod("a", ""),
        pod("a", "1", deletionTimestamp=datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_all_others_are_not(other: Pod) -> None:
    assert led(service(), other) == ()


def test_a_port_name_the_pod_has_not_leads_nowhere() -> None:
    assert led(service("admin"), pod("a", "1")) == ()


def test_without_a_selector_nothing_is_found() -> None:
    assert led(service(selector={}), pod("a", "1")) == ()


def test_unready_pods_are_published_where_that_is_wanted() -> None:
    assert led(service(publishNotReadyAddresses=True), pod("a", "1", ready=False)) == (Backend("1", 8080),)
