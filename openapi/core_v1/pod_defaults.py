"""What Kubernetes fills in where a Pod's spec says nothing; in place, on the JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json

TERMINATION_GRACE_SECONDS = 30
FILE_MODE = 0o644
_TAG = re.compile(r":([\w][\w.-]{0,127})$")


def default_pod_spec(spec: Json) -> None:
    """Fill in a PodSpec."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("terminationGracePeriodSeconds", TERMINATION_GRACE_SECONDS)
    spec.setdefault("securityContext", {})
    if account := spec.get("serviceAccountName") or spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for container in (*_parts(spec, "containers"), *_parts(spec, "initContainers")):
        _container(container)
    for volume in _parts(spec, "volumes"):
        _volume(volume)


def _parts(parent: Json, key: str) -> Iterator[Json]:
    """Yield the objects of a list; what is no object is left for validation to name."""
    listed = parent.get(key)
    if isinstance(listed, list):
        yield from (part for part in listed if isinstance(part, dict))


def _part(parent: Json, key: str) -> Json | None:
    found = parent.get(key)
    return found if isinstance(found, dict) else None


def _container(container: Json) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    image = container.get("image")
    if isinstance(image, str) and image:
        container.setdefault("imagePullPolicy", pull_policy(image))
    for port in _parts(container, "ports"):
        port.setdefault("protocol", "TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if (probe := _part(container, name)) is not None:
            _probe(probe)
    for variable in _parts(container, "env"):
        if field := _part(_part(variable, "valueFrom") or {}, "fieldRef"):
            field.setdefault("apiVersion", "v1")
    container.setdefault("resources", {})
    _requests(_part(container, "resources") or {})


def _requests(resources: Json) -> None:
    """Request what is limited, where nothing is requested."""
    limits = _part(resources, "limits")
    if not limits:
        return
    resources.setdefault("requests", {})
    requests = _part(resources, "requests")
    if requests is not None:
        resources["requests"] = {**limits, **requests}


def pull_policy(image: str) -> str:
    """Return Always for ``:latest`` and for no tag, IfNotPresent for a tag or a digest."""
    if "@" in image:
        return "IfNotPresent"
    tag = _TAG.search(image.rpartition("/")[2])
    return "IfNotPresent" if tag and tag[1] != "latest" else "Always"


def _probe(probe: Json) -> None:
    for name, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        if not probe.get(name):
            probe[name] = value
    if (get := _part(probe, "httpGet")) is not None:
        get["path"] = get.get("path") or "/"
        get["scheme"] = get.get("scheme") or "HTTP"


def _volume(volume: Json) -> None:
    for name in ("configMap", "secret"):
        if (source := _part(volume, name)) is not None:
            source.setdefault("defaultMode", FILE_MODE)
    sources = set(volume) - {"name"}
    if not sources:
        volume["emptyDir"] = {}
