"""Objects are applied in waves: what others need first, what need not wait at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.apply_order import waves

if TYPE_CHECKING:
    from upright.openapi.meta import Json


def order(*kinds: str) -> list[list[str]]:
    objects: list[Json] = [{"kind": kind} for kind in kinds]
    return [[str(obj["kind"]) for _, obj in wave] for wave in waves(objects)]


def test_what_others_need_comes_first() -> None:
    assert order(
        "ValidatingWebhookConfiguration",
        "Ingress",
        "Deployment",
        "Service",
        "ConfigMap",
        "RoleBinding",
        "ServiceAccount",
        "ResourceQuota",
        "CustomResourceDefinition",
        "Namespace",
    ) == [
        ["Namespace"],
        ["CustomResourceDefinition"],
        ["ResourceQuota"],
        ["ServiceAccount"],
        ["RoleBinding"],
        ["ConfigMap"],
        ["Service"],
        ["Deployment"],
        ["Ingress"],
        ["ValidatingWebhookConfiguration"],
    ]


def test_what_need_not_wait_goes_at_once_in_the_order_it_came() -> None:
    assert order("Deployment", "Secret", "Job", "ConfigMap", "Certificate") == [
        ["Secret", "ConfigMap"],
        ["Deployment", "Job", "Certificate"],
    ]


def test_each_object_keeps_its_place_in_the_input() -> None:
    placed = waves([{"kind": "Deployment"}, {"kind": "Namespace"}])
    assert [[index for index, _ in wave] for wave in placed] == [[1], [0]]


def test_nothing_is_no_wave() -> None:
    assert waves([]) == []


def test_what_an_api_server_among_the_objects_serves_comes_last() -> None:
    served = {"group": "shop.example", "version": "v1", "service": {"name": "api", "namespace": "shop"}}
    objects: list[Json] = [
        {"apiVersion": "shop.example/v1", "kind": "Order"},
        {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "spec": served},
        {"apiVersion": "apps/v1", "kind": "Deployment"},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress"},
    ]
    kinds = [[obj["kind"] for _, obj in wave] for wave in waves(objects)]
    assert kinds == [["APIService"], ["Deployment"], ["Ingress"], ["Order"]]
