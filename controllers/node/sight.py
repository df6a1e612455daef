"""What the node agent has seen of a pod: its containers as the engine shows them, and what stood in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from upright.openapi.core_v1.pod_spec import PodSpec

PAUSE = ""
"""The name of the container that holds the network of a pod with several containers; no container of a pod has it."""
START_FAILED_EXIT_CODE = 128


class ContainerSight(Struct, frozen=True):
    """One attempt at one container.

    ``backoff_seconds`` is how long the next attempt waits if this one ends. ``created`` with an ``error`` is a
    container that could not be started.
    """

    id: str
    name: str
    attempt: int
    backoff_seconds: float
    state: Literal["created", "running", "exited"]
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    image_id: str = ""

    @property
    def ended(self) -> bool:
        return self.state == "exited" or (self.state == "created" and bool(self.error))

    @property
    def start_failed(self) -> bool:
        return self.state == "created" and bool(self.error)

    @property
    def code(self) -> int:
        """The exit code as Kubernetes tells it: 128 if the container never ran."""
        return START_FAILED_EXIT_CODE if self.start_failed else self.exit_code

    @property
    def succeeded(self) -> bool:
        return self.ended and self.code == 0

    @property
    def ended_at(self) -> datetime:
        return self.finished or self.created


class Problem(Struct, frozen=True):
    """Why a container (or, under ``PAUSE``, the whole pod) could not be started; ``tries`` counts failures in a row."""

    reason: str
    message: str
    at: datetime
    tries: int = 1


class ProbeSight(Struct, frozen=True):
    """What the probes of one running container said: its start probe passed; its readiness probe does."""

    started: bool = False
    ready: bool = False


class Seen(Struct, frozen=True):
    """All that is known of one pod; ``probes`` is by container id, ``problems`` by container name."""

    containers: tuple[ContainerSight, ...] = ()
    problems: Mapping[str, Problem] = field(default_factory=dict)
    probes: Mapping[str, ProbeSight] = field(default_factory=dict)
    ip: str = ""
    prepared: bool = False

    def attempts(self, name: str) -> list[ContainerSight]:
        """Return the attempts at a container, the newest first."""
        found = [one for one in self.containers if one.name == name]
        return sorted(found, key=lambda one: one.attempt, reverse=True)

    def latest(self, name: str) -> ContainerSight | None:
        return next(iter(self.attempts(name)), None)

    def running(self) -> Iterator[ContainerSight]:
        return (one for one in self.containers if one.state == "running")


def needs_pause(spec: PodSpec) -> bool:
    """Whether a container of its own must hold the pod's network.

    One container after the other can have the pod's address in turn; two at the same time cannot.
    """
    return len(spec.containers) > 1
