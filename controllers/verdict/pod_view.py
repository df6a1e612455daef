"""A pod, with what the rules about it need to know beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from upright.openapi.v1alpha1.kubernetes_discovery import ObservedEvent, Pod

MOST_EVENTS = 5


class PodView(Struct, frozen=True):
    """A pod and its circumstances.

    ``events`` are about the pod, the newest last. ``tolerated`` are crashes that happened while something it could
    wait for was still coming up (``busy``: that is so now), by ``pod/container``. ``once_ready``: the resource was
    ready before. ``of_job``: a Job decides how often it may fail. ``leaving``: a pod of the resource is still going.
    ``unreplaced``: it is of a custom resource that has made no other pod since, nor says that it is ready.
    ``older``: it was there before what was applied; its ``tolerated`` crashes of then are not ours.
    """

    pod: Pod
    now: datetime
    owner: tuple[str, ...] = ()
    events: Sequence[ObservedEvent] = ()
    tolerated: Mapping[str, int] = field(default_factory=dict[str, int])
    once_ready: bool = False
    of_job: bool = False
    busy: bool = False
    leaving: bool = False
    older: bool = False
    unreplaced: bool = False

    def path(self, container: str = "") -> tuple[str, ...]:
        """Return the way to the pod, or to one of its containers."""
        way = (*self.owner, f"Pod/{self.pod.name}")
        return (*way, f"container {container}") if container else way

    def warnings(self) -> tuple[str, ...]:
        """Return the last warnings about the pod, for a card."""
        return tuple(told(one) for one in self.events if one.type == "Warning")[-MOST_EVENTS:]


def told(event: ObservedEvent) -> str:
    """Return an event as a card shows it."""
    times = f" (x{event.count})" if event.count > 1 else ""
    return f"{event.reason}: {' '.join(event.message.split())}{times}"
