"""Pod: containers that run together on the node."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.causes import forbidden
from upright.openapi.core_v1.merge_keys import EVERY_OBJECT, pod_spec_keys
from upright.openapi.core_v1.pod_columns import POD_COLUMNS
from upright.openapi.core_v1.pod_defaults import default_pod_spec
from upright.openapi.core_v1.pod_problems import label_problems, pod_spec_problems
from upright.openapi.core_v1.pod_spec import PodSpec
from upright.openapi.core_v1.pod_status import PodStatus
from upright.openapi.embedded import EmbeddedObject
from upright.openapi.scheme import Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.core_v1.pod_status import PodCondition
    from upright.openapi.errors import Cause
    from upright.openapi.meta import Json, Object

_MAY_CHANGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def _defaults(body: Json) -> None:
    spec = body.setdefault("spec", {})
    if isinstance(spec, dict):
        default_pod_spec(spec)
        spec.setdefault("serviceAccountName", "default")
        spec.setdefault("serviceAccount", spec["serviceAccountName"])


class Pod(EmbeddedObject):
    """Containers that run together on the node, and share its address and volumes."""

    compares = True
    definition: ClassVar[Kind] = Kind(
        "",
        "v1",
        "Pod",
        "pods",
        short_names=("po",),
        namespaced=True,
        subresources=("log", "exec", "attach", "portforward", "eviction"),
        columns=POD_COLUMNS,
        selectable={
            "spec.nodeName": at("spec", "nodeName"),
            "spec.restartPolicy": at("spec", "restartPolicy"),
            "spec.schedulerName": at("spec", "schedulerName"),
            "spec.serviceAccountName": at("spec", "serviceAccountName"),
            "status.phase": at("status", "phase"),
            "status.podIP": at("status", "podIP"),
        },
        defaults=_defaults,
        merge_keys={
            **EVERY_OBJECT,
            **pod_spec_keys("spec"),
            "status.podIPs": "ip",
        },
    )

    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def finished(self) -> bool:
        """Whether it ran to its end, good or bad."""
        return self.status.phase in {"Succeeded", "Failed"}

    @property
    def active(self) -> bool:
        """Whether it runs or will run, and is not being deleted."""
        return not self.finished and self.metadata.deletion_timestamp is None

    @property
    def ready(self) -> bool:
        """Whether its Ready condition is True."""
        found = self.condition("Ready")
        return found is not None and found.status == "True"

    def condition(self, kind: str) -> PodCondition | None:
        return next((one for one in self.status.conditions if one.type == kind), None)

    def problems(self, old: Object | None) -> Iterator[Cause]:
        yield from super().problems(old)
        yield from label_problems(self.metadata.labels, "metadata.labels")
        yield from pod_spec_problems(self.spec, "spec")
        if isinstance(old, Pod) and _fixed(self.spec, old.spec) != _fixed(old.spec, old.spec):
            yield forbidden("spec", _MAY_CHANGE)


def _fixed(spec: PodSpec, old: PodSpec) -> PodSpec:
    """Return the spec without what may change: images, and the node of a Pod that had none."""
    return spec.model_copy(
        update={
            "containers": tuple(one.model_copy(update={"image": ""}) for one in spec.containers),
            "init_containers": tuple(one.model_copy(update={"image": ""}) for one in spec.init_containers),
            "tolerations": (),
            "node_name": spec.node_name if old.node_name else "",
        }
    )
