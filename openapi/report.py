"""The report of a run, as ``upright ci --report`` writes it; its JSON schema is published beside the other documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from upright.openapi.meta import MicroTime, Model, omit
from upright.openapi.v1alpha1.failure import Failure
from upright.openapi.v1alpha1.resource import TILTFILE, Step
from upright.openapi.v1alpha1.session import Verdict

if TYPE_CHECKING:
    from upright.openapi.meta import Json

TargetState = Literal["healthy", "failed", "running", "waiting", "disabled", "idle"]
ResourceState = Literal["healthy", "failed", "held-back", "pending", "disabled", "idle"]


class TargetReport(Model):
    """One thing the run waited for; ``idle``: nobody asked for it. ``waits`` says why it had not begun."""

    name: str
    type: Literal["job", "server"]
    resource: str
    state: TargetState
    start_time: MicroTime | None = None
    finish_time: MicroTime | None = None
    seconds: float | None = None
    error: str = omit("")
    waits: str = omit("")


class ResourceReport(Model):
    """How a resource did. ``updateSeconds`` is what its builds, applies and commands took, ``seconds`` all until it was ready.

    ``heldBackBy`` are the failed resources that it waited for.
    """

    name: str
    kind: str
    labels: tuple[str, ...] = omit(())
    state: ResourceState
    depends_on: tuple[str, ...] = omit(())
    held_back_by: tuple[str, ...] = omit(())
    start_time: MicroTime | None = None
    ready_time: MicroTime | None = None
    update_seconds: float | None = None
    seconds: float | None = None
    steps: tuple[Step, ...] = omit(())
    targets: tuple[TargetReport, ...] = ()


class Leg(Model):
    """A stretch of the critical path: how long the resource waited after the one before it, and then took."""

    resource: str
    waited_seconds: float
    seconds: float


class Report(Model):
    """A run and what it came to. ``logs`` is the folder with everything that was said, a file a span."""

    schema_version: Literal[1] = 1
    upright: str
    tiltfile: str
    start_time: MicroTime | None = None
    finish_time: MicroTime | None = None
    seconds: float | None = None
    verdict: Verdict
    failures: tuple[Failure, ...] = ()
    resources: tuple[ResourceReport, ...] = ()
    critical_path: tuple[Leg, ...] = ()
    logs: str = omit("")

    @property
    def worked(self) -> tuple[ResourceReport, ...]:
        """The resources without the Tiltfile's own."""
        return tuple(resource for resource in self.resources if resource.name != TILTFILE)


def schema() -> Json:
    """Return the JSON schema of a report as ``upright ci --report`` writes it."""
    made = Report.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "The report of upright ci"}
