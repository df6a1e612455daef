"""Scale: how many replicas a workload has and should have, apart from all else about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upright.openapi.causes import invalid_value
from upright.openapi.core_v1.label_selector import LabelSelector
from upright.openapi.errors import BadRequest, invalid

if TYPE_CHECKING:
    from upright.openapi.meta import Json

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(body: Json) -> Json:
    """Return the autoscaling/v1 Scale of a Deployment's or ReplicaSet's JSON: what GET …/scale answers."""
    selector = LabelSelector.model_validate(body["spec"].get("selector") or {})
    text = ",".join(f"{key}={value}" for key, value in sorted(selector.match_labels.items()))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: value for key, value in body["metadata"].items() if key in _METADATA},
        "spec": {"replicas": body["spec"].get("replicas", 1)},
        "status": {"replicas": body.get("status", {}).get("replicas", 0), "selector": text},
    }


def scaled(body: Json, scale: Json) -> Json:
    """Return the workload's JSON with the replicas of a Scale: what PUT or PATCH …/scale makes of it.

    A resourceVersion in the Scale is taken over, so that a stale one is a Conflict. Raises BadRequest, Invalid.
    """
    replicas: Any = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise BadRequest("spec.replicas of a Scale is a whole number")
    name = str(body["metadata"].get("name", ""))
    if replicas < 0:
        cause = invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid("autoscaling", "Scale", name, [cause])
    meta = dict(body["metadata"])
    if version := (scale.get("metadata") or {}).get("resourceVersion"):
        meta["resourceVersion"] = version
    return {**body, "metadata": meta, "spec": {**body["spec"], "replicas": replicas}}
