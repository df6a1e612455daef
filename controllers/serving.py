"""What runs after a resource's update: its server process or its pods, and how they are doing; decided, not done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from upright.controllers import fingerprint
from upright.controllers.finalizers import CMD_FINALIZER
from upright.controllers.update import step_meta
from upright.controllers.verdict import compose as compose_rules
from upright.controllers.verdict import runtime as runtime_rules
from upright.controllers.verdict.compose import Composed
from upright.controllers.verdict.finding import Finding
from upright.controllers.verdict.runtime import Deployed
from upright.controllers.verdict.serving_pods import Wait
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeService
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery, KubernetesDiscoveryStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from upright.controllers.update import Find
    from upright.controllers.verdict.budgets import Budgets
    from upright.openapi.v1alpha1.cmd import CmdRunning, CmdTerminated
    from upright.openapi.v1alpha1.docker_compose_service import DockerComposeServiceStatus
    from upright.openapi.v1alpha1.kubernetes_discovery import Pod
    from upright.openapi.v1alpha1.resource import Resource, ResourceStatus


class Serving(Struct, frozen=True):
    """How what runs is doing; ``active`` says that it has begun, ``since`` when, ``complete`` that it ran to its end.

    ``waits`` is what it waits for, ``blind`` that this cannot be seen now. ``tolerated`` and ``excused`` are to be
    remembered (None: as before). ``opens_the_way``: what depends on it may begin.
    """

    state: Literal["ok", "pending", "error", "not_applicable", "none"]
    waits: tuple[Wait, ...] = ()
    findings: tuple[Finding, ...] = ()
    after: datetime | None = None
    complete: bool = False
    active: bool = False
    since: datetime | None = None
    pid: int = 0
    pods: tuple[Pod, ...] = ()
    server: Cmd | None = None
    tolerated: Mapping[str, int] | None = None
    excused: Mapping[str, datetime | None] | None = None
    opens_the_way: bool = False
    blind: bool = False
    compose: DockerComposeServiceStatus | None = None

    @property
    def waits_for(self) -> str:
        """What it waits for first."""
        return self.waits[0].text if self.waits else ""


def serve_cmd_name(resource: Resource, run: int) -> str:
    """Return the name of the Cmd that is the resource's server, in its ``run``-th life."""
    return f"{resource.name}-serve-{run}"


def local(resource: Resource, status: ResourceStatus, find: Find, budgets: Budgets, now: datetime) -> Serving:
    """Return how a local resource's server is doing, once its update is done; one without a probe must run a while."""
    spec = resource.spec.local
    if spec is None or spec.serve is None:
        return Serving("not_applicable", opens_the_way=True)
    name = serve_cmd_name(resource, status.serve_run)
    path = (f"Cmd/{name}",)
    wanted = Cmd(
        metadata=step_meta(resource, name, status.triggered, f"localserve:{name}", CMD_FINALIZER), spec=spec.serve
    )
    starting = Serving("pending", (Wait("its server to start", path),), server=wanted)
    seen = find(Cmd, name)
    if seen is None or not seen.status.ran or seen.status.ran != fingerprint.of_step(seen):
        return starting
    ended, running = seen.status.terminated, seen.status.running
    if ended is not None:
        found = _exited(path, ended)
        return Serving("error", findings=(found,), server=wanted, since=ended.started_at)
    if running is None or running.started_at is None:
        return starting
    return _running(seen, running, starting, budgets.stable_for, now)


def _running(seen: Cmd, running: CmdRunning, starting: Serving, stable_for: timedelta, now: datetime) -> Serving:
    """Return how a server that runs is doing; what depends on it may begin at once if it has no probe."""
    began = replace(
        starting, state="ok", waits=(), active=True, since=running.started_at, pid=running.pid, opens_the_way=True
    )
    path = (f"Cmd/{seen.name}",)
    if seen.spec.readiness_probe is not None:
        waits = (Wait("its readiness probe to pass", path),)
        return began if seen.status.ready else replace(began, state="pending", waits=waits, opens_the_way=False)
    stable = (running.started_at or now) + stable_for
    if now >= stable:
        return began
    waits = (Wait(f"its server to have run for {stable_for.total_seconds():g}s", path),)
    return replace(began, state="pending", waits=waits, after=stable)


def _exited(path: tuple[str, ...], ended: CmdTerminated) -> Finding:
    """Return what is wrong with a server that ended, whatever its exit code."""
    message = f"the server (serve_cmd) exited with code {ended.exit_code}"
    if ended.reason and not ended.reason.startswith("exit status"):
        message = f"{message}: {ended.reason}"
    return Finding("server-exited", path, message, ended.finished_at, exit_code=ended.exit_code, recoverable=False)


def composed(
    resource: Resource, status: ResourceStatus, find: Find, budgets: Budgets, now: datetime, *, others_busy: bool
) -> Serving:
    """Return how a Compose service is doing, once it was brought up."""
    spec, seen = resource.spec.compose, find(DockerComposeService, resource.name)
    if spec is None or seen is None or seen.status.last_apply_finish_time is None or seen.status.apply_error:
        return Serving("none")
    known = Composed(
        spec.service.service,
        seen.status.containers,
        seen.status.replicas,
        completes=spec.completes,
        tolerated=status.tolerated_crashes,
        excused=status.excused,
        once_ready=status.ever_ready,
        busy=others_busy,
    )
    found = compose_rules.composed(known, budgets, now)
    return Serving(
        found.state,
        found.waits,
        found.findings,
        found.after,
        found.complete,
        active=bool(seen.status.containers),
        since=seen.status.last_apply_finish_time,
        tolerated=found.tolerated,
        excused=found.excused,
        opens_the_way=found.state == "ok" or (spec.opens_when_started and found.started and found.state != "error"),
        compose=seen.status,
    )


def deployed(
    resource: Resource, status: ResourceStatus, find: Find, budgets: Budgets, now: datetime, *, others_busy: bool
) -> Serving:
    """Return how a deployed resource is doing; ``others_busy``: something it could wait for is still coming up."""
    apply = find(KubernetesApply, resource.name)
    if apply is None or apply.status.last_apply_time is None or apply.status.error:
        return Serving("none")
    discovery = find(KubernetesDiscovery, resource.name)
    seen = discovery.status if discovery is not None else KubernetesDiscoveryStatus()
    known = Deployed(
        apply.status.objects,
        seen,
        pod_readiness=resource.spec.pod_readiness or "wait",
        assumed=resource.spec.pod_readiness_assumed,
        tolerated=status.tolerated_crashes,
        excused=status.excused,
        once_ready=status.ever_ready,
        busy=others_busy,
        updating=status.current_build is not None,
        expects_pods=resource.spec.kubernetes is not None and bool(resource.spec.kubernetes.images),
        since=apply.status.last_apply_start_time or apply.status.last_apply_time,
    )
    found = runtime_rules.runtime(known, budgets, now)
    return Serving(
        found.state,
        found.waits,
        found.findings,
        found.after,
        found.complete,
        active=bool(seen.pods),
        since=apply.status.last_apply_time,
        pods=seen.pods,
        tolerated=found.tolerated,
        excused=found.excused,
        opens_the_way=found.state == "ok",
        blind=seen.sight_lost_at is not None,
    )
