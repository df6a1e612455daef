"""Job: Pods that run to their end, again until enough of them have succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from upright.openapi.apps_v1.workload_problems import not_negative, template_spec
from upright.openapi.batch_v1.job_columns import JOB_COLUMNS
from upright.openapi.causes import invalid_value, not_supported, required
from upright.openapi.core_v1.condition import Condition
from upright.openapi.core_v1.label_selector import LabelSelector
from upright.openapi.core_v1.merge_keys import EVERY_OBJECT, pod_spec_keys
from upright.openapi.core_v1.pod_defaults import default_pod_spec
from upright.openapi.core_v1.pod_problems import template_problems
from upright.openapi.core_v1.pod_spec import PodTemplateSpec
from upright.openapi.embedded import EmbeddedObject, Refused, Unimplemented
from upright.openapi.meta import Model, Time, omit
from upright.openapi.scheme import Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.errors import Cause
    from upright.openapi.meta import Json, Object

UID_LABEL = "batch.kubernetes.io/controller-uid"
NAME_LABEL = "batch.kubernetes.io/job-name"


def job_labels(uid: str, name: str) -> dict[str, str]:
    """Return the labels by which a Job's Pods are known, old names and new."""
    return {UID_LABEL: uid, NAME_LABEL: name, "controller-uid": uid, "job-name": name}


class JobSpec(Model):
    """How many Pods at once, how many must succeed, and when to give up."""

    parallelism: int | None = None
    completions: int | None = None
    active_deadline_seconds: int | None = None
    backoff_limit: int = 6
    selector: LabelSelector | None = None
    manual_selector: bool | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    ttl_seconds_after_finished: int | None = None
    completion_mode: Annotated[str, Unimplemented(accepted=("NonIndexed",))] = omit("")
    suspend: bool = False
    pod_replacement_policy: Annotated[str, Unimplemented(accepted=("TerminatingOrFailed",))] = omit("")
    backoff_limit_per_index: Refused = None
    managed_by: Refused = None
    max_failed_indexes: Refused = None
    pod_failure_policy: Refused = None
    scheduling: Refused = None
    success_policy: Refused = None


class UncountedTerminatedPods(Model):
    """Pods that ended and are not in the counts yet: none here, each is counted in the same turn."""


class JobStatus(Model):
    """Counts of Pods, and how it ended: Complete or Failed."""

    conditions: tuple[Condition, ...] = omit(())
    start_time: Time | None = None
    completion_time: Time | None = None
    active: int = omit(0)
    succeeded: int = omit(0)
    failed: int = omit(0)
    terminating: int | None = None
    ready: int | None = None
    uncounted_terminated_pods: UncountedTerminatedPods | None = None


def _defaults(body: Json) -> None:
    spec = body.setdefault("spec", {})
    if not isinstance(spec, dict):
        return
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = spec["parallelism"] = 1
    for name, value in (
        ("parallelism", 1),
        ("backoffLimit", 6),
        ("completionMode", "NonIndexed"),
        ("suspend", False),
        ("podReplacementPolicy", "TerminatingOrFailed"),
    ):
        if spec.get(name) is None:
            spec[name] = value
    if template := template_spec(body):
        default_pod_spec(template)


def _born(body: Json) -> Json:
    """Give a new Job the selector and labels that only its Pods have."""
    meta, spec = body["metadata"], body["spec"]
    if spec.get("manualSelector"):
        return body
    template = spec.get("template") or {}
    inner = template.get("metadata") or {}
    labels = {**(inner.get("labels") or {}), **job_labels(meta["uid"], meta["name"])}
    selector = spec.get("selector") or {"matchLabels": {UID_LABEL: meta["uid"]}}
    return {
        **body,
        "spec": {**spec, "selector": selector, "template": {**template, "metadata": {**inner, "labels": labels}}},
    }


class Job(EmbeddedObject):
    """Pods that run to their end, again until enough of them have succeeded."""

    definition: ClassVar[Kind] = Kind(
        "batch",
        "v1",
        "Job",
        "jobs",
        namespaced=True,
        columns=JOB_COLUMNS,
        selectable={"status.successful": at("status", "succeeded")},
        immutable=(("spec", "selector"), ("spec", "template"), ("spec", "completions"), ("spec", "completionMode")),
        defaults=_defaults,
        born=_born,
        merge_keys={**EVERY_OBJECT, **pod_spec_keys("spec.template.spec")},
    )

    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()

    @property
    def ended(self) -> Condition | None:
        """The condition Complete or Failed, once it is True."""
        return next(
            (one for one in self.status.conditions if one.type in {"Complete", "Failed"} and one.status == "True"), None
        )

    def problems(self, old: Object | None) -> Iterator[Cause]:
        yield from super().problems(old)
        spec = self.spec
        yield from not_negative(
            spec,
            {
                "parallelism": "parallelism",
                "completions": "completions",
                "active_deadline_seconds": "activeDeadlineSeconds",
                "backoff_limit": "backoffLimit",
                "ttl_seconds_after_finished": "ttlSecondsAfterFinished",
            },
        )
        if spec.completion_mode not in {"", "NonIndexed", "Indexed"}:
            yield not_supported("spec.completionMode", spec.completion_mode, ("Indexed", "NonIndexed"))
        if spec.manual_selector and spec.selector is None:
            yield required("spec.selector")
        if spec.selector is not None and not spec.selector.matches(spec.template.metadata.labels):
            detail = "`selector` does not match template `labels`"
            yield invalid_value("spec.template.metadata.labels", spec.template.metadata.labels, detail)
        yield from template_problems(spec.template, "spec.template", ("OnFailure", "Never"))
