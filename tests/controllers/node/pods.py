"""Pods and sights of them, in few words, for tables of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from upright.controllers.node.sight import ContainerSight, Seen
from upright.openapi.core_v1.pod import Pod

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upright.controllers.node.sight import ProbeSight, Problem
    from upright.openapi.meta import Json

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Return so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def pod(
    *, inits: tuple[str, ...] = (), mains: tuple[str, ...] = ("web",), policy: str = "Always", **spec: object
) -> Pod:
    """Return a bound pod with containers of these names."""
    body: Json = {
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "u-1", "generation": 1, "labels": {"app": "web"}},
        "spec": {
            "nodeName": "upright",
            "restartPolicy": policy,
            "initContainers": [{"name": name, "image": "x:1"} for name in inits],
            "containers": [{"name": name, "image": "x:1"} for name in mains],
            **spec,
        },
    }
    return Pod.model_validate(body)


def running(name: str = "web", attempt: int = 0, *, since: float = 0) -> ContainerSight:
    """Return a container that runs."""
    return ContainerSight(f"{name}-{attempt}", name, attempt, 0.0, "running", at(since), at(since), image_id="sha256:1")


def ended(
    name: str = "web",
    code: int = 1,
    attempt: int = 0,
    *,
    lived: float = 1,
    backoff: float = 0,
    oom_killed: bool = False,
) -> ContainerSight:
    """Return a container that began at noon and ended."""
    return ContainerSight(
        f"{name}-{attempt}",
        name,
        attempt,
        backoff,
        "exited",
        at(0),
        at(0),
        at(lived),
        exit_code=code,
        oom_killed=oom_killed,
    )


def not_started(name: str = "web", attempt: int = 0, *, backoff: float = 0) -> ContainerSight:
    """Return a container that could not be started."""
    why = 'exec: "nope": executable file not found in $PATH'
    return ContainerSight(f"{name}-{attempt}", name, attempt, backoff, "created", at(0), exit_code=127, error=why)


def seen(
    *containers: ContainerSight,
    problems: Mapping[str, Problem] | None = None,
    probes: Mapping[str, ProbeSight] | None = None,
) -> Seen:
    """Return what is seen of a prepared pod."""
    return Seen(containers, problems or {}, probes or {}, ip="10.77.0.5", prepared=True)
