"""What calls to a Kubernetes API are made of: paths, forms, bodies."""

from __future__ import annotations

from typing import Any, NamedTuple

NAMESPACE = "upright-oracle"
MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIALS = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


class Call(NamedTuple):
    """One request. ``body`` is an object for JSON, or bytes as they are."""

    name: str
    method: str
    path: str
    body: Any = None
    content_type: str = "application/json"
    accept: str = "application/json"


def config_map(name: str, /, data: Any = None, **metadata: Any) -> dict[str, Any]:  # noqa: ANN401  reason: bad ones too
    about = {"name": name, **metadata} if name else metadata
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": {"a": "1"} if data is None else data}


def template(**spec: Any) -> dict[str, Any]:  # noqa: ANN401  reason: bad ones too
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": "web:1", "ports": [{"containerPort": 80}]}], **spec},
    }


def deployment(name: str, /, **spec: Any) -> dict[str, Any]:  # noqa: ANN401  reason: bad ones too
    wanted = {"replicas": 0, "paused": True, "selector": {"matchLabels": {"app": "web"}}, "template": template()}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": wanted | spec}


def job(name: str, /, **spec: Any) -> dict[str, Any]:  # noqa: ANN401  reason: bad ones too
    wanted = {"suspend": True, "template": template(restartPolicy="Never")}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": wanted | spec}


def pod(name: str, /, **spec: Any) -> dict[str, Any]:  # noqa: ANN401  reason: bad ones too
    about = {"containers": [{"name": "main", "image": "web:1"}], "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": about | spec}


def applied(name: str, /, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
