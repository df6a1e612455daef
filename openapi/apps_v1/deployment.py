"""Deployment: replicas of a Pod, brought to a new template step by step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from upright.openapi.apps_v1.workload_problems import not_negative, selector_problems, template_spec
from upright.openapi.causes import forbidden, invalid_value, not_supported
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

_PERCENT = re.compile(r"(\d+)%")


class RollingUpdateDeployment(Model):
    """By how many Pods a rollout may be over and under the replicas: a number, or a share such as ``25%``."""

    max_unavailable: int | str = "25%"
    max_surge: int | str = "25%"


class DeploymentStrategy(Model):
    """RollingUpdate, or Recreate: all old Pods go before the first new one comes."""

    type: str = "RollingUpdate"
    rolling_update: RollingUpdateDeployment | None = None


class DeploymentSpec(Model):
    """Which Pods, how many, and how they are replaced."""

    replicas: int = 1
    selector: LabelSelector | None = None
    template: PodTemplateSpec = PodTemplateSpec()
    strategy: DeploymentStrategy = DeploymentStrategy()
    min_ready_seconds: int = omit(0)
    revision_history_limit: int = 10
    paused: bool = omit(default=False)
    progress_deadline_seconds: int = 600


class DeploymentStatus(Model):
    """Counts of Pods that are not being deleted, and the conditions Available, Progressing, ReplicaFailure."""

    observed_generation: int = omit(0)
    replicas: int = omit(0)
    updated_replicas: int = omit(0)
    ready_replicas: int = omit(0)
    available_replicas: int = omit(0)
    unavailable_replicas: int = omit(0)
    terminating_replicas: int = omit(0)
    conditions: tuple[Condition, ...] = omit(())
    collision_count: int | None = None


def _defaults(body: Json) -> None:
    spec = body.setdefault("spec", {})
    if not isinstance(spec, dict):
        return
    for name, value in (("replicas", 1), ("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600)):
        if spec.get(name) is None:
            spec[name] = value
    strategy = spec.setdefault("strategy", {})
    if isinstance(strategy, dict):
        strategy["type"] = strategy.get("type") or "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.get("rollingUpdate") or {}
            strategy["rollingUpdate"] = {"maxUnavailable": "25%", "maxSurge": "25%"} | rolling
    if template := template_spec(body):
        default_pod_spec(template)


def _ready(body: Json) -> str:
    return f"{body.get('status', {}).get('readyReplicas', 0)}/{body.get('spec', {}).get('replicas', 1)}"


class Deployment(EmbeddedObject):
    """Replicas of a Pod, brought to a new template step by step."""

    definition: ClassVar[Kind] = Kind(
        "apps",
        "v1",
        "Deployment",
        "deployments",
        short_names=("deploy",),
        namespaced=True,
        subresources=("scale",),
        columns=(
            NAME,
            Column("READY", _ready, description="Replicas that are ready, of those wanted"),
            Column(
                "UP-TO-DATE",
                lambda body: body.get("status", {}).get("updatedReplicas", 0),
                "integer",
                "Replicas of the newest template",
            ),
            Column(
                "AVAILABLE",
                lambda body: body.get("status", {}).get("availableReplicas", 0),
                "integer",
                "Replicas that have been ready long enough",
            ),
            AGE,
            *TEMPLATE_COLUMNS,
        ),
        selectable={"status.replicas": at("status", "replicas")},
        immutable=(("spec", "selector"),),
        defaults=_defaults,
        merge_keys={**EVERY_OBJECT, **pod_spec_keys("spec.template.spec")},
    )

    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        yield from super().problems(old)
        spec = self.spec
        yield from not_negative(
            spec,
            {
                "replicas": "replicas",
                "min_ready_seconds": "minReadySeconds",
                "revision_history_limit": "revisionHistoryLimit",
                "progress_deadline_seconds": "progressDeadlineSeconds",
            },
        )
        if spec.progress_deadline_seconds <= spec.min_ready_seconds:
            detail = "must be greater than minReadySeconds"
            yield invalid_value("spec.progressDeadlineSeconds", spec.progress_deadline_seconds, detail)
        yield from _strategy_problems(spec.strategy)
        yield from selector_problems(spec.selector, spec.template, "deployment")


def _strategy_problems(strategy: DeploymentStrategy) -> Iterator[Cause]:
    if strategy.type not in {"Recreate", "RollingUpdate"}:
        yield not_supported("spec.strategy.type", strategy.type, ("Recreate", "RollingUpdate"))
    rolling = strategy.rolling_update
    if rolling is None:
        return
    at_ = "spec.strategy.rollingUpdate"
    if strategy.type == "Recreate":
        yield forbidden(at_, "may not be specified when strategy `type` is 'Recreate'")
        return
    yield from _amount(rolling.max_unavailable, f"{at_}.maxUnavailable")
    yield from _amount(rolling.max_surge, f"{at_}.maxSurge")
    share = _PERCENT.fullmatch(str(rolling.max_unavailable))
    if share and int(share[1]) > 100:
        yield invalid_value(f"{at_}.maxUnavailable", rolling.max_unavailable, "must not be greater than 100%")
    if rolling.max_unavailable in {0, "0%"} and rolling.max_surge in {0, "0%"}:
        yield invalid_value(f"{at_}.maxUnavailable", rolling.max_unavailable, "may not be 0 when `maxSurge` is 0")


def _amount(amount: int | str, at_: str) -> Iterator[Cause]:
    if isinstance(amount, int):
        if amount < 0:
            yield invalid_value(at_, amount, "must be greater than or equal to 0")
    elif not _PERCENT.fullmatch(amount):
        detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%')"
        yield invalid_value(at_, amount, detail)
