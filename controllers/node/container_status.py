"""One container's status in Kubernetes' words: a pure function of its attempts, what stood in the way, and the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.node.backoff import SETTLE_SECONDS, crash_wait, restart_at
from upright.controllers.node.pod_plan import should_restart
from upright.controllers.node.sight import ContainerSight, ProbeSight, Problem, Seen
from upright.openapi.core_v1.pod_status import (
    ContainerState,
    ContainerStateRunning,
    ContainerStateTerminated,
    ContainerStateWaiting,
    ContainerStatus,
)

if TYPE_CHECKING:
    from upright.openapi.core_v1.container import Container

_EPOCH = datetime.fromtimestamp(0, UTC)
_SETTLE = timedelta(seconds=SETTLE_SECONDS)


class About(Struct, frozen=True):
    """What a container's status needs to know of its pod: its full name, and how it restarts."""

    pod: str
    policy: str
    now: datetime
    terminating: bool = False


def main_status(container: Container, seen: Seen, about: About, *, initializing: bool) -> ContainerStatus:
    """Return the status of a main container; ``initializing``: init containers are still to run."""
    waiting = "PodInitializing" if initializing else "ContainerCreating"
    status = _status(container, seen, about, waiting, init=False)
    if status.state.running is None:
        return status.model_copy(update={"started": False})
    probed = seen.probes.get(_latest_id(seen, container.name), ProbeSight())
    started = probed.started or not _probed(container)
    ready = started and (probed.ready or container.readiness_probe is None)
    return status.model_copy(update={"started": started, "ready": ready})


def init_status(container: Container, seen: Seen, about: About) -> ContainerStatus:
    """Return the status of an init container: ready once it succeeded."""
    status = _status(container, seen, about, "PodInitializing", init=True)
    last = seen.latest(container.name)
    ready = last is not None and last.succeeded
    return status.model_copy(update={"started": status.state.running is not None, "ready": ready})


def backing_off(pod: str, container: str, seconds: float) -> str:
    """Return Kubernetes' words for a container that waits before its next start."""
    return f"back-off {_go_seconds(seconds)} restarting failed container={container} pod={pod}"


def _probed(container: Container) -> bool:
    return container.startup_probe is not None


def _latest_id(seen: Seen, name: str) -> str:
    last = seen.latest(name)
    return last.id if last else ""


def _status(container: Container, seen: Seen, about: About, waiting: str, *, init: bool) -> ContainerStatus:
    attempts = seen.attempts(container.name)
    problem = seen.problems.get(container.name)
    status = ContainerStatus(name=container.name, image=container.image)
    if not attempts:
        return status.model_copy(update={"state": _waiting(problem, about.now, container.image, waiting)})
    last, *older = attempts
    before = older[0] if older else None
    state = _state(container, last, problem, about, init=init)
    ended = last if state.waiting is not None and last.ended else before
    return status.model_copy(
        update={
            "state": state,
            "last_state": ContainerState(terminated=_terminated(ended)) if ended and ended.ended else ContainerState(),
            "restart_count": last.attempt,
            "image_id": last.image_id,
            "container_id": _id(last),
        }
    )


def _state(
    container: Container, last: ContainerSight, problem: Problem | None, about: About, *, init: bool
) -> ContainerState:
    if last.state == "running":
        return ContainerState(running=ContainerStateRunning(started_at=last.started))
    if not last.ended:
        return _waiting(None, about.now, container.image, "ContainerCreating")
    ended = ContainerState(terminated=_terminated(last))
    if about.terminating or not should_restart(about.policy, last, init=init):
        return ended
    if problem is not None:
        return _waiting(problem, about.now, container.image, "")
    reason, message = ("RunContainerError", last.error) if last.start_failed else ("", "")
    if crash_wait(last) and last.ended_at + _SETTLE <= about.now < restart_at(last):
        reason, message = "CrashLoopBackOff", backing_off(about.pod, container.name, crash_wait(last))
    return ContainerState(waiting=ContainerStateWaiting(reason=reason, message=message)) if reason else ended


def _waiting(problem: Problem | None, now: datetime, image: str, otherwise: str) -> ContainerState:
    if problem is None:
        return ContainerState(waiting=ContainerStateWaiting(reason=otherwise))
    reason, message = problem.reason, problem.message
    if reason == "ErrImagePull" and now >= problem.at + _SETTLE:
        reason, message = "ImagePullBackOff", f'Back-off pulling image "{image}": {problem.reason}: {problem.message}'
    return ContainerState(waiting=ContainerStateWaiting(reason=reason, message=message))


def _terminated(last: ContainerSight) -> ContainerStateTerminated:
    return ContainerStateTerminated(
        exit_code=last.code,
        reason=_why(last),
        message=last.error,
        started_at=last.started or _EPOCH,
        finished_at=last.ended_at,
        container_id=_id(last),
    )


def _why(last: ContainerSight) -> str:
    if last.start_failed:
        return "StartError"
    if last.oom_killed:
        return "OOMKilled"
    return "Error" if last.exit_code else "Completed"


def _id(last: ContainerSight) -> str:
    return f"docker://{last.id}"


def _go_seconds(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
