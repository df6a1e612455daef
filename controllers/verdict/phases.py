"""Phases that have a time limit of their own: build and push of an image, schedule, pull and start of a pod."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  reason: msgspec reads the types of its fields
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from upright.controllers.verdict.finding import Finding
from upright.controllers.verdict.image_pulls import PULL_REASONS
from upright.openapi.meta import format_duration
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.cmd_image import CmdImage
from upright.openapi.v1alpha1.docker_image import DockerImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from upright.controllers.update import Find
    from upright.controllers.verdict.budgets import Budgets
    from upright.controllers.verdict.pod_view import PodView
    from upright.openapi.v1alpha1.kubernetes_discovery import Container
    from upright.openapi.v1alpha1.resource import Resource


class Phase(Struct, frozen=True):
    """A build or a push that goes on now: of which object, what it makes, in words, and since when."""

    name: Literal["build", "push"]
    path: str
    told: str
    since: datetime | None


def phases_now(resource: Resource, command: str, find: Find) -> Iterator[Phase]:
    """Yield each build, push or update command that goes on now; ``command`` names the Cmd of the update."""
    cmd = find(Cmd, command)
    if cmd is not None and cmd.status.running is not None:
        yield Phase("build", f"Cmd/{cmd.name}", "the command", cmd.status.running.started_at)
    for image in resource.spec.images:
        name = f"{resource.name}:{image.image_map}"
        found = find(DockerImage, name) or find(CmdImage, name)
        if found is None:
            continue
        path = f"{found.definition.kind}/{name}"
        told = f"image {image.selector.selector}"
        if found.status.building is not None:
            yield Phase("build", path, told, found.status.building.started_at)
        if found.status.pushing is not None:
            yield Phase("push", path, told, found.status.pushing.started_at)


def late_steps(phases: Iterable[Phase], budgets: Budgets) -> Iterator[Finding]:
    """Yield when each of the phases is late."""
    for phase in phases:
        limit = budgets.build_timeout if phase.name == "build" else budgets.push_timeout
        if limit and phase.since is not None:
            message = f"{phase.name} timeout after {format_duration(limit)}: {phase.told} is not done"
            due = phase.since + limit
            yield Finding(
                f"{phase.name}-timeout", (phase.path,), message, phase.since, limit, due=due, recoverable=False
            )


def late_pod(view: PodView, budgets: Budgets) -> Iterator[Finding]:
    """Yield when the phase is late in which the pod is: to be scheduled, to have its images pulled, to start."""
    pod = view.pod
    scheduled = next((one for one in pod.conditions if (one.type, one.status) == ("PodScheduled", "True")), None)
    if scheduled is None:
        yield from _pod_late(view, "schedule", view.path(), pod.created_at, budgets.schedule_timeout)
        return
    for container in (*pod.init_containers, *pod.containers):
        if container.state.waiting is None or container.restarts:
            continue
        since = scheduled.last_transition_time or pod.created_at
        pulls = _pulls(view, container)
        limit = budgets.pull_timeout if pulls else budgets.start_timeout
        yield from _pod_late(view, "pull" if pulls else "start", view.path(container.name), since, limit)
        return  # those behind it wait for it


def _pulls(view: PodView, container: Container) -> bool:
    if container.state.waiting is not None and container.state.waiting.reason in PULL_REASONS:
        return True
    said = [one.reason for one in view.events if one.reason in {"Pulling", "Pulled"} and container.image in one.message]
    return said[-1:] == ["Pulling"]


def _pod_late(
    view: PodView, phase: str, path: tuple[str, ...], since: datetime | None, limit: timedelta | None
) -> Iterator[Finding]:
    if limit and since is not None:
        message = f"{phase} timeout after {format_duration(limit)} ({view.pod.status or view.pod.phase})"
        yield Finding(f"{phase}-timeout", path, message, since, limit, events=view.warnings())
