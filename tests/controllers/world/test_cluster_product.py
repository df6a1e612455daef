from __future__ import annotations

import pytest

from upright.controllers.world.cluster_product import Traces, is_for_development, product


@pytest.mark.parametrize(
    ("traces", "expected"),
    [
        (Traces("minikube"), "minikube"),
        (Traces("docker-for-desktop-cluster"), "docker-desktop"),
        (Traces("docker-desktop"), "docker-desktop"),
        (Traces("gke_project_zone_name"), "gke"),
        (Traces("arn:aws:eks:us-east-1:1:cluster/x"), "eks"),
        (Traces("x.us-east-1.eksctl.io"), "eks"),
        (Traces("kind"), "kind"),
        (Traces("kind-shop"), "kind"),
        (Traces("kindly"), "unknown"),
        (Traces("microk8s-cluster"), "microk8s"),
        (Traces("api-crc-testing:6443"), "crc"),
        (Traces("krucible-1"), "krucible"),
        (Traces("k3d-shop"), "k3d"),
        (Traces("rancher-desktop"), "rancher-desktop"),
        (Traces("colima-x"), "colima"),
        (Traces("orbstack"), "orbstack"),
        (Traces("orbstack-2"), "unknown"),
        (Traces("shop", "/home/me/.config/k3d/kubeconfig-shop.yaml"), "k3d"),
        (Traces("shop", "/home/me/.kube/config", "/home/me/.minikube/ca.crt"), "minikube"),
        (Traces("shop", "/tmp/kind-config-shop"), "kind"),
        (Traces("shop", "/home/me/.kube/config"), "unknown"),
        (Traces("shop", server="https://shop-dns-1a2b.hcp.westeurope.azmk8s.io:443"), "aks"),
        (Traces("shop", server="https://ABC.gr7.eu-west-1.eks.amazonaws.com"), "eks"),
        (Traces("kind-of-shop", server="https://gke-1.europe-west1.gke.goog"), "gke"),
        (Traces("kind-shop", server="https://127.0.0.1:6443"), "kind"),
    ],
)
def test_a_product_is_told_by_its_names(traces: Traces, expected: str) -> None:
    assert product(traces) == expected


def test_clouds_and_the_unknown_are_not_for_development() -> None:
    assert is_for_development("kind")
    assert not any(is_for_development(one) for one in ("gke", "eks", "aks", "unknown"))
