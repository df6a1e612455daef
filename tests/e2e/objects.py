"""Kubernetes' objects for projects: of the image ``toolbox``, as short as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upright.openapi.meta import Json


def container(name: str = "main", script: str = "exec sleep 1000", **fields: object) -> Json:
    """Return a container of the image ``toolbox`` that runs a shell script."""
    return {"name": name, "image": "toolbox", "command": ["sh", "-c", script], **fields}


def pod_spec(*containers: Json, **fields: object) -> Json:
    return {"containers": list(containers), "terminationGracePeriodSeconds": 1, **fields}


def deployment(name: str, *containers: Json, replicas: int = 1, **fields: object) -> Json:
    """Return a Deployment whose pods have the label ``app`` of its name."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec(*containers, **fields)},
        },
    }


def job(name: str, *containers: Json, backoff_limit: int = 0, **fields: object) -> Json:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "backoffLimit": backoff_limit,
            "template": {"spec": pod_spec(*containers, restartPolicy="Never", **fields)},
        },
    }


def service(name: str, port: int, target_port: int) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port, "targetPort": target_port}]},
    }


def config_map(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
