"""What a resource comes to: its status and failure cards, from all that was observed of it at one moment; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from upright.controllers import resource_status, serving
from upright.controllers.resource_status import Picture
from upright.controllers.serving import Serving
from upright.controllers.tiltfile_status import tiltfile_status
from upright.controllers.verdict.budgets import in_force, with_custom_resources
from upright.controllers.verdict.cards import card_of_finding, card_of_update
from upright.controllers.verdict.lateness import lateness
from upright.controllers.verdict.phases import late_steps
from upright.openapi.v1alpha1.limits import Limits
from upright.openapi.v1alpha1.resource import BuildRunning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from upright.controllers.update import Update
    from upright.controllers.verdict.phases import Phase
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.cmd import Cmd
    from upright.openapi.v1alpha1.docker_compose_service import DockerComposeService
    from upright.openapi.v1alpha1.failure import Failure
    from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply
    from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery
    from upright.openapi.v1alpha1.resource import Resource, ResourceStatus, Waiting
    from upright.openapi.v1alpha1.tiltfile import TiltfileStatus

    K = TypeVar("K", bound="Object")
    Tail = Callable[[str, int], Sequence[str]]


_UNLIMITED = Limits()


class Place(Struct, frozen=True):
    """How the resource's next update stands: for which ``cause`` it is due, whether it begins now, else what holds it."""

    cause: str = ""
    due: bool = False
    begins: bool = False
    hold: Waiting | None = None


NOWHERE = Place()


class Seen(Struct, frozen=True):
    """All that a decision about a resource is made of, the logs aside; ``resource`` has the status of the decision before.

    ``going``: the update that runs. ``phases``: the parts of it that have time limits of their own. ``apply``, ``discovery``,
    ``server`` and ``compose`` are what is known of what runs since. ``busy``: something it could wait for is still coming up.
    ``custom``: the run has custom resources, whose controllers may make what is missing. ``executed``: of the Tiltfile that the resource stands for.
    """

    resource: Resource
    now: datetime
    limits: Limits = _UNLIMITED
    place: Place = NOWHERE
    going: Update | None = None
    apply: KubernetesApply | None = None
    discovery: KubernetesDiscovery | None = None
    server: Cmd | None = None
    compose: DockerComposeService | None = None
    phases: tuple[Phase, ...] = ()
    busy: bool = False
    custom: bool = False
    disabled: bool = False
    executed: TiltfileStatus | None = None

    def find(self, kind: type[K], name: str, /) -> K | None:
        """Return what is known of this kind and name."""
        for known in (self.apply, self.discovery, self.server, self.compose):
            if isinstance(known, kind) and known.metadata.name == name:
                return known
        return None


class Decided(Struct, frozen=True):
    """What it comes to: the status, when the same observations may come to something else, the server there should be."""

    status: ResourceStatus
    times: tuple[datetime, ...] = ()
    server: Cmd | None = None
    troubled: bool = False


def decide(seen: Seen, tail: Tail) -> Decided:
    """Decide; ``tail`` returns the last lines of a log span, for failure cards."""
    resource = seen.resource
    if seen.executed is not None:
        return Decided(tiltfile_status(seen.executed, f"tiltfile:{resource.name}:1"))
    if seen.disabled:
        return Decided(resource_status.disabled(resource, resource.status))
    budgets = in_force(resource.spec.limits, seen.limits)
    updated = status_of_update(seen)
    due = seen.place.due and updated.triggered != seen.place.cause
    picture = Picture(resource, updated, Serving("none"), seen.now, due, seen.place.hold)
    failures: list[Failure] = []
    if updated.build_history and updated.build_history[0].error and updated.current_build is None:
        failures = [card_of_update(resource, updated, tail)]
    served = _served(seen, updated)
    status = resource_status.whole(replace(picture, serving=served))
    settled = updated.current_build is None and not due and seen.place.hold is None
    since = served.since if settled and served.state == "pending" else None
    late = [f for t in status.targets if (f := lateness(t, budgets.ready_timeout, served.waits, since))]
    late = [] if served.blind else late
    late += late_steps(seen.phases, budgets)
    red = [finding for finding in (*served.findings, *late) if finding.is_red(seen.now)]
    failures += [card_of_finding(resource, finding, tail) for finding in red]
    return Decided(
        status.model_copy(update={"failures": tuple(failures)}),
        tuple(at for at in (served.after, *(f.due for f in late)) if at is not None and at > seen.now),
        served.server if updated.current_build is None else None,
        troubled=seen.busy and bool(served.tolerated or served.excused),
    )


def begun(resource: Resource, cause: str, now: datetime) -> ResourceStatus:
    """Return the status of the resource as its update begins."""
    started = BuildRunning(start_time=now, span_id=f"build:{resource.name}")
    return resource.status.model_copy(update={"triggered": cause, "current_build": started, "steps": ()})


def status_of_update(seen: Seen) -> ResourceStatus:
    """Return the status with how the update is going."""
    resource, going = seen.resource, seen.going
    status = begun(resource, seen.place.cause, seen.now) if seen.place.begins else resource.status
    if going is None or status.current_build is None:
        return status
    status = status.model_copy(update={"steps": going.steps})
    if going.state == "running":
        return status
    served = going.state == "done" and resource.spec.local is not None and resource.spec.local.serve is not None
    run = status.serve_run + (1 if served else 0)
    return resource_status.record(status, going.error, seen.now).model_copy(update={"serve_run": run})


def _served(seen: Seen, status: ResourceStatus) -> Serving:
    """Return how what runs is doing."""
    resource = seen.resource
    budgets = in_force(resource.spec.limits, seen.limits)
    if seen.custom:
        budgets = with_custom_resources(budgets)
    if resource.spec.local is None:
        judge = serving.deployed if resource.spec.kubernetes is not None else serving.composed
        return judge(resource, status, seen.find, budgets, seen.now, others_busy=seen.busy)
    built = bool(status.build_history) and not status.build_history[0].error
    if not built:
        return Serving("not_applicable" if resource.spec.local.serve is None else "none")
    return serving.local(resource, status, seen.find, budgets, seen.now)
