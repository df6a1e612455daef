"""In which order objects are applied: what others need comes first, and what need not wait goes together; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.openapi.meta import Json

_FIRST = (
    ("Namespace",),
    ("CustomResourceDefinition", "APIService"),
    ("ResourceQuota", "LimitRange", "StorageClass", "PriorityClass", "RuntimeClass"),
    ("ServiceAccount", "Role", "ClusterRole"),
    ("RoleBinding", "ClusterRoleBinding"),
    ("ConfigMap", "Secret", "PersistentVolume"),
    ("PersistentVolumeClaim", "Service"),
)
_LAST = (
    ("PodDisruptionBudget", "HorizontalPodAutoscaler", "Ingress"),
    ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
)
_MIDDLE = len(_FIRST)
_VERY_LAST = _MIDDLE + 1 + len(_LAST)
"""Objects that can only be made when an API server among the others runs."""
_RANK = {kind: rank for rank, kinds in enumerate(_FIRST) for kind in kinds} | {
    kind: _MIDDLE + 1 + rank for rank, kinds in enumerate(_LAST) for kind in kinds
}


def waves(objects: Sequence[Json]) -> list[list[tuple[int, Json]]]:
    """Return the objects with their place in the input, in groups: one group is applied at once, after the one before."""
    ranked: dict[int, list[tuple[int, Json]]] = {}
    late = aggregated(objects)
    for index, obj in enumerate(objects):
        rank = _RANK.get(str(obj.get("kind", "")), _MIDDLE)
        ranked.setdefault(_VERY_LAST if obj.get("apiVersion") in late else rank, []).append((index, obj))
    return [ranked[rank] for rank in sorted(ranked)]


def aggregated(objects: Sequence[Json]) -> frozenset[str]:
    """Return the API versions that the APIServices among the objects have pods of theirs serve."""
    specs = (obj.get("spec") or {} for obj in objects if obj.get("kind") == "APIService")
    return frozenset(f"{spec.get('group')}/{spec.get('version')}" for spec in specs if spec.get("service"))
