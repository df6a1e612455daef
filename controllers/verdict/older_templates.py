"""Pods of an older template than the one that was applied: some are as good as gone, some will never be replaced.

The revision of its workload tells it of most pods. The hash that is put on each template tells it of the rest: pods of a
CronJob's earlier Jobs, pods found by labels alone, and those of a ReplicaSet, which replaces nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.verdict.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject
    from upright.openapi.v1alpha1.kubernetes_discovery import Pod

_REPLACE_NOTHING = frozenset({"ReplicaSet", "ReplicationController"})
_KNOW_THEIR_OWN = frozenset({"Pod", "StatefulSet", "DaemonSet"}) | _REPLACE_NOTHING
"""Kinds whose pods of an older template may be meant to stay: they say themselves which are to go."""


def current(applied: Sequence[AppliedObject], pods: Sequence[Pod]) -> tuple[Pod, ...]:
    """Return the pods without those of an older template that nobody means to keep; one that has no hash counts."""
    hashes = {one for obj in applied for one in obj.template_hashes}
    kinds = {obj.uid: obj.kind for obj in applied}
    return tuple(
        pod for pod in pods if not _is_older(pod, hashes) or kinds.get(pod.ancestor_uid, "") in _KNOW_THEIR_OWN
    )


def findings(applied: Sequence[AppliedObject], pods: Sequence[Pod]) -> Iterator[Finding]:
    """Yield each pod that is of an older template, and will stay so."""
    roots = {obj.uid: obj for obj in applied if obj.kind in _REPLACE_NOTHING}
    for pod in pods:
        root = roots.get(pod.ancestor_uid)
        if root is None or pod.deleting or not _is_older(pod, set(root.template_hashes)):
            continue
        told = f"the pod is of an older template, and a {root.kind} replaces no pods"
        yield Finding(
            "older-template",
            (f"{root.kind}/{root.name}", f"Pod/{pod.name}"),
            f"{told}: kubectl delete pod {pod.name} -n {pod.namespace}",
            recoverable=False,
        )


def _is_older(pod: Pod, hashes: set[str]) -> bool:
    return bool(hashes and pod.pod_template_spec_hash) and pod.pod_template_spec_hash not in hashes
