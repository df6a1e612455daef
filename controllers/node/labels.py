"""The labels by which a pod's containers and volumes are found again, also by the next process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.node.sight import ContainerSight

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from upright.controllers.node.pod_plan import Start
    from upright.controllers.world.engine.protocol import Container
    from upright.openapi.core_v1.pod import Pod

POD_UID = "upright/pod-uid"
POD_NAME = "upright/pod-name"
POD_NAMESPACE = "upright/pod-namespace"
POD_IP = "upright/pod-ip"
CONTAINER = "upright/container"
ATTEMPT = "upright/attempt"
BACKOFF = "upright/backoff-seconds"
HELPER = "\0helper"
"""The container name of what only fills volumes: no container of a pod has it."""


def pod_labels(pod: Pod, ip: str) -> dict[str, str]:
    """Return what everything of a pod carries."""
    meta = pod.metadata
    return {POD_UID: meta.uid, POD_NAME: meta.name, POD_NAMESPACE: meta.namespace, POD_IP: ip}


def container_labels(step: Start) -> dict[str, str]:
    """Return what one attempt at a container carries beside its pod's labels."""
    return {CONTAINER: step.name, ATTEMPT: str(step.attempt), BACKOFF: f"{step.backoff_seconds:g}"}


def sight_of(container: Container, now: datetime) -> ContainerSight:
    """Return what the engine shows of a container; ``now`` stands for a date that the engine does not tell."""
    labels = container.labels
    state = container.state
    started_not = state == "created" and bool(container.error)
    return ContainerSight(
        id=container.id,
        name=labels.get(CONTAINER, ""),
        attempt=int(labels.get(ATTEMPT, "0")),
        backoff_seconds=float(labels.get(BACKOFF, "0")),
        state="running" if state in _ALIVE else "created" if state == "created" else "exited",
        created=container.created or now,
        started=container.started,
        finished=container.finished or (now if started_not else None),
        exit_code=container.exit_code,
        error=container.error,
        oom_killed=container.oom_killed,
        image_id=container.image_id,
    )


_ALIVE: Mapping[str, None] = dict.fromkeys(("running", "paused", "restarting"))
