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
_RANK = {kind: rank for rank, kinds in enumerate(_FIRST) for kind in kinds} | {
    kind: _MIDDLE + 1 + rank for rank, kinds in enumerate(_LAST) for kind in kinds
}


def waves(objects: Sequence[Json]) -> list[list[tuple[int, Json]]]:
    """Return the objects with their place in the input, in groups: one group is applied at once, after the one before."""
    ranked: dict[int, list[tuple[int, Json]]] = {}
    for index, obj in enumerate(objects):
        ranked.setdefault(_RANK.get(str(obj.get("kind", "")), _MIDDLE), []).append((index, obj))
    return [ranked[rank] for rank in sorted(ranked)]
