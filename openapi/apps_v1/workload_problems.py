"""What Deployments and ReplicaSets must both have right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.causes import invalid_value, required
from upright.openapi.core_v1.pod_problems import template_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.core_v1.label_selector import LabelSelector
    from upright.openapi.core_v1.pod_spec import PodTemplateSpec
    from upright.openapi.errors import Cause
    from upright.openapi.meta import Json


def not_negative(spec: object, fields: dict[str, str]) -> Iterator[Cause]:
    """Yield the fields of a spec (attribute to wire name) that are below zero."""
    for attribute, wire in fields.items():
        number = getattr(spec, attribute)
        if number is not None and number < 0:
            yield invalid_value(f"spec.{wire}", number, "must be greater than or equal to 0")


def selector_problems(selector: LabelSelector | None, template: PodTemplateSpec, kind: str) -> Iterator[Cause]:
    """Yield what is wrong with a workload's selector and the template it must match; ``kind`` as in sentences."""
    if selector is None:
        yield required("spec.selector")
    elif selector.empty:
        detail = f"empty selector is invalid for {kind}"
        yield invalid_value("spec.selector", selector.to_wire(), detail)
    else:
        yield from selector.problems_at("spec.selector")
        if not selector.matches(template.metadata.labels):
            detail = "`selector` does not match template `labels`"
            yield invalid_value("spec.template.metadata.labels", template.metadata.labels, detail)
    yield from template_problems(template, "spec.template", ("Always",))


def template_spec(body: Json) -> Json | None:
    """Return the PodSpec in a workload's JSON, where it is there."""
    here: object = body
    for step in ("spec", "template", "spec"):
        here = here.get(step) if isinstance(here, dict) else None
    return here if isinstance(here, dict) else None
