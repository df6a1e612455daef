"""Which product a cluster is, told from its names in the kubeconfig, and whether that is one for development; pure."""

from __future__ import annotations

from itertools import pairwise
from pathlib import PurePath
from urllib.parse import urlsplit

from msgspec import Struct

_PREFIXES = (
    ("minikube", "minikube"),
    ("docker-for-desktop-cluster", "docker-desktop"),
    ("docker-desktop", "docker-desktop"),
    ("gke", "gke"),
    ("arn:aws:eks:", "eks"),
    ("kind-", "kind"),
    ("microk8s", "microk8s"),
    ("api-crc-testing", "crc"),
    ("krucible-", "krucible"),
    ("k3d-", "k3d"),
    ("rancher-desktop", "rancher-desktop"),
    ("colima", "colima"),
)
_NAMES = {"kind": "kind", "orbstack": "orbstack"}
_SERVERS = (
    (".azmk8s.io", "aks"),
    (".eks.amazonaws.com", "eks"),
    (".gke.goog", "gke"),
    (".k8s.ondigitalocean.com", "doks"),
    (".linodelke.net", "lke"),
    (".openshiftapps.com", "openshift"),
)
_CLOUDS = frozenset({"gke", *(name for _, name in _SERVERS)})
UNKNOWN = "unknown"


class Traces(Struct, frozen=True):
    """What is known of a cluster before it is asked: its name, the kubeconfig file it is written in, its CA's file, its URL."""

    cluster: str
    config_file: str = ""
    authority_file: str = ""
    server: str = ""


def product(traces: Traces) -> str:
    """Return the product's name, ``unknown`` if it cannot be told.

    The rules are those of tilt-dev/clusterid; but whose server is a cloud's is not for development, whatever its name.
    """
    name = traces.cluster
    host = urlsplit(traces.server).hostname or ""
    if cloud := next((found for suffix, found in _SERVERS if host.endswith(suffix)), ""):
        return cloud
    if name in _NAMES:
        return _NAMES[name]
    if name.endswith(".eksctl.io"):
        return "eks"
    by_name = next((found for prefix, found in _PREFIXES if name.startswith(prefix)), "")
    return by_name or _by_files(traces)


def is_for_development(found: str) -> bool:
    """Whether a Tiltfile may deploy to such a cluster without naming it in allow_k8s_contexts."""
    return found != UNKNOWN and found not in _CLOUDS


def _by_files(traces: Traces) -> str:
    folders = PurePath(traces.config_file).parts
    if any(pair == (".config", "k3d") for pair in pairwise(folders)):
        return "k3d"
    if ".minikube" in PurePath(traces.authority_file).parts:
        return "minikube"
    if PurePath(traces.config_file).name.startswith("kind-config-"):
        return "kind"
    return UNKNOWN
