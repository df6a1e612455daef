"""The ReplicaSets of a Deployment: found, adopted, made for a template, and resized."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

from upright.controllers.node.replicas import controlled_by, controller_of
from upright.controllers.node.rollout import (
    DESIRED,
    HASH_LABEL,
    MAXIMUM,
    REVISION,
    limits,
    new_replicas,
    revision,
)
from upright.openapi.apps_v1.replica_set import ReplicaSet, ReplicaSetSpec
from upright.openapi.core_v1.label_selector import LabelSelector
from upright.openapi.meta import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.openapi.apps_v1.deployment import Deployment
    from upright.openapi.core_v1.pod_spec import PodTemplateSpec

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
HASH_CHARACTERS = 10
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        "deployment.kubernetes.io/revision-history",
        DESIRED,
        MAXIMUM,
        "deprecated.deployment.rollback.to",
    }
)


def template_hash(template: PodTemplateSpec, collisions: int) -> str:
    """Return the text that tells this template's Pods from those of other templates."""
    told = orjson.dumps([template.to_wire(), collisions], option=orjson.OPT_SORT_KEYS)
    number = int.from_bytes(hashlib.sha256(told).digest()[:8], "big")
    letters: list[str] = []
    for _ in range(HASH_CHARACTERS):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)


def plain_template(replica_set: ReplicaSet) -> PodTemplateSpec:
    """Return the template without the label that only tells ReplicaSets apart."""
    template = replica_set.spec.template
    labels = {key: value for key, value in template.metadata.labels.items() if key != HASH_LABEL}
    return template.model_copy(update={"metadata": template.metadata.model_copy(update={"labels": labels})})


def split(deployment: Deployment, sets: Iterable[ReplicaSet]) -> tuple[ReplicaSet | None, list[ReplicaSet]]:
    """Return the ReplicaSet of the Deployment's template, if there is one, and the others, oldest first."""
    by_age = sorted(sets, key=lambda one: (str(one.metadata.creation_timestamp), one.name))
    new = next((one for one in by_age if plain_template(one) == deployment.spec.template), None)
    return new, [one for one in by_age if one is not new]


def next_revision(new: ReplicaSet | None, old: Iterable[ReplicaSet]) -> int:
    """Return the newest ReplicaSet's revision: a template that comes back gets a new one."""
    above = max((revision(one) for one in old), default=0) + 1
    return above if new is None else max(above, revision(new))


def made_for(deployment: Deployment, old: Sequence[ReplicaSet], number: int) -> ReplicaSet:
    """Return a new ReplicaSet for the Deployment's template, with the replicas it may begin with."""
    spec = deployment.spec
    told = template_hash(spec.template, deployment.status.collision_count or 0)
    labels = {**spec.template.metadata.labels, HASH_LABEL: told}
    selector = spec.selector or LabelSelector()
    template = spec.template.model_copy(
        update={"metadata": spec.template.metadata.model_copy(update={"labels": labels})}
    )
    return ReplicaSet(
        metadata=ObjectMeta(
            name=f"{deployment.name}-{told}",
            namespace=deployment.metadata.namespace,
            labels=labels,
            annotations=_annotations(deployment, {}, number),
            owner_references=(controlled_by(deployment),),
        ),
        spec=ReplicaSetSpec(
            replicas=new_replicas(deployment, old, 0),
            min_ready_seconds=spec.min_ready_seconds,
            selector=selector.model_copy(update={"match_labels": {**selector.match_labels, HASH_LABEL: told}}),
            template=template,
        ),
    )


def _annotations(deployment: Deployment, present: dict[str, str], number: int) -> dict[str, str]:
    copied = {key: value for key, value in deployment.metadata.annotations.items() if key not in _NOT_COPIED}
    return {**present, **copied, **_sizes(deployment), REVISION: str(number)}


def _sizes(deployment: Deployment) -> dict[str, str]:
    wanted = deployment.spec.replicas
    return {DESIRED: str(wanted), MAXIMUM: str(wanted + limits(deployment).surge)}


def renewed(deployment: Deployment, new: ReplicaSet, number: int) -> ReplicaSet:
    """Return the newest ReplicaSet with the Deployment's annotations, its revision and minReadySeconds."""
    before = new.metadata.annotations
    annotations = _annotations(deployment, before, number) | {
        key: before[key] for key in (DESIRED, MAXIMUM) if key in before
    }
    spec = new.spec.model_copy(update={"min_ready_seconds": deployment.spec.min_ready_seconds})
    return _with(new, annotations, spec)


def resized(deployment: Deployment, replica_set: ReplicaSet, replicas: int) -> ReplicaSet:
    """Return the ReplicaSet with so many replicas, and what the Deployment wanted then noted on it."""
    annotations = {**replica_set.metadata.annotations, **_sizes(deployment)}
    return _with(replica_set, annotations, replica_set.spec.model_copy(update={"replicas": replicas}))


def _with(replica_set: ReplicaSet, annotations: dict[str, str], spec: ReplicaSetSpec) -> ReplicaSet:
    meta = replica_set.metadata.model_copy(update={"annotations": annotations})
    return replica_set.model_copy(update={"metadata": meta, "spec": spec})


def strays(deployment: Deployment, sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """Return the ReplicaSets nobody controls that the Deployment's selector finds."""
    selector = deployment.spec.selector
    if selector is None or deployment.metadata.deletion_timestamp is not None:
        return []
    return [
        one
        for one in sets
        if one.metadata.namespace == deployment.metadata.namespace
        and one.metadata.deletion_timestamp is None
        and controller_of(one) is None
        and selector.matches(one.metadata.labels)
    ]


def adopted(deployment: Deployment, stray: ReplicaSet) -> ReplicaSet:
    """Return the ReplicaSet as the Deployment's own."""
    owners = (*stray.metadata.owner_references, controlled_by(deployment))
    return stray.model_copy(update={"metadata": stray.metadata.model_copy(update={"owner_references": owners})})
