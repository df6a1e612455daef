"""ReplicaSet: so many Pods of one template."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.apps_v1.workload_problems import not_negative, selector_problems, template_spec
from upright.openapi.core_v1.condition import Condition
from upright.openapi.core_v1.label_selector import LabelSelector
from upright.openapi.core_v1.merge_keys import EVERY_OBJECT, pod_spec_keys
from upright.openapi.core_v1.pod_defaults import default_pod_spec
from upright.openapi.core_v1.pod_spec import PodTemplateSpec
from upright.openapi.core_v1.template_columns import TEMPLATE_COLUMNS
from upright.openapi.embedded import EmbeddedObject
from upright.openapi.meta import Model, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.errors import Cause
    from upright.openapi.meta import Json, Object


class ReplicaSetSpec(Model):
    """Which Pods, and how many."""

    replicas: int = 1
    min_ready_seconds: int = omit(0)
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()


class ReplicaSetStatus(Model):
    """Counts of Pods that are not being deleted, and the condition ReplicaFailure."""

    replicas: int = 0
    fully_labeled_replicas: int = omit(0)
    ready_replicas: int = omit(0)
    available_replicas: int = omit(0)
    terminating_replicas: int = omit(0)
    observed_generation: int = omit(0)
    conditions: tuple[Condition, ...] = omit(())


def _defaults(body: Json) -> None:
    spec = body.setdefault("spec", {})
    if isinstance(spec, dict) and spec.get("replicas") is None:
        spec["replicas"] = 1
    if template := template_spec(body):
        default_pod_spec(template)


class ReplicaSet(EmbeddedObject):
    """So many Pods of one template."""

    definition: ClassVar[Kind] = Kind(
        "apps",
        "v1",
        "ReplicaSet",
        "replicasets",
        short_names=("rs",),
        namespaced=True,
        subresources=("scale",),
        columns=(
            NAME,
            Column("DESIRED", at("spec", "replicas"), "integer", "Replicas wanted"),
            Column("CURRENT", at("status", "replicas"), "integer", "Replicas that are there"),
            Column(
                "READY",
                lambda body: body.get("status", {}).get("readyReplicas", 0),
                "integer",
                "Replicas that are ready",
            ),
            AGE,
            *TEMPLATE_COLUMNS,
        ),
        selectable={"status.replicas": at("status", "replicas")},
        immutable=(("spec", "selector"),),
        defaults=_defaults,
        merge_keys={**EVERY_OBJECT, **pod_spec_keys("spec.template.spec")},
    )

    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        yield from super().problems(old)
        yield from not_negative(self.spec, {"replicas": "replicas", "min_ready_seconds": "minReadySeconds"})
        yield from selector_problems(self.spec.selector, self.spec.template, "replicaset")
