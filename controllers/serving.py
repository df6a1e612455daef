"""What runs after a resource's update: its server process or its pods, and how they are doing; decided, not done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from upright.controllers import fingerprint
from upright.controllers.finalizers import CMD_FINALIZER
from upright.controllers.update import step_meta
from upright.controllers.verdict import runtime as runtime_rules
from upright.controllers.verdict.finding import Finding
from upright.controllers.verdict.runtime import Deployed
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery, KubernetesDiscoveryStatus

if TYPE_CHECKING:
    from datetime import datetime

    from upright.controllers.update import Find
    from upright.controllers.verdict.budgets import Budgets
    from upright.openapi.v1alpha1.kubernetes_discovery import Pod
    from upright.openapi.v1alpha1.resource import Resource, ResourceStatus


@dataclass(frozen=True, slots=True)
class Serving:
    """How what runs is doing; ``active`` says that it has begun, ``since`` when, ``complete`` that it ran to its end."""

    state: Literal["ok", "pending", "error", "not_applicable", "none"]
    waits_for: str = ""
    findings: tuple[Finding, ...] = ()
    after: datetime | None = None
    complete: bool = False
    active: bool = False
    since: datetime | None = None
    pid: int = 0
    pods: tuple[Pod, ...] = ()
    server: Cmd | None = None
    tolerated: dict[str, int] | None = None
    opens_the_way: bool = False


def serve_cmd_name(resource: Resource, run: int) -> str:
    """Return the name of the Cmd that is the resource's server, in its ``run``-th life."""
    return f"{resource.name}-serve-{run}"


def local(resource: Resource, status: ResourceStatus, find: Find, budgets: Budgets, now: datetime) -> Serving:
    """Return how a local resource's server is doing, once its update is done; one without a probe must run a while."""
    spec, stable_for = resource.spec.local, budgets.stable_for
    if spec is None or spec.serve is None:
        return Serving("not_applicable", opens_the_way=True)
    name = serve_cmd_name(resource, status.serve_run)
    wanted = Cmd(
        metadata=step_meta(resource, name, status.triggered, f"localserve:{name}", CMD_FINALIZER), spec=spec.serve
    )
    seen = find(Cmd, name)
    no_probe = spec.serve.readiness_probe is None
    if seen is None or not seen.status.ran or seen.status.ran != fingerprint.of_step(seen):
        return Serving("pending", "the server to start", server=wanted, opens_the_way=no_probe)
    if (ended := seen.status.terminated) is not None:
        message = f"the server (serve_cmd) exited with code {ended.exit_code}"
        if ended.reason and not ended.reason.startswith("exit status"):
            message = f"{message}: {ended.reason}"
        found = Finding("server-exited", (f"Cmd/{name}",), message, ended.finished_at, exit_code=ended.exit_code)
        return Serving("error", message, (found,), server=wanted, since=ended.started_at)
    running = seen.status.running
    if running is None or running.started_at is None:
        return Serving("pending", "the server to start", server=wanted, opens_the_way=no_probe)
    began = Serving("ok", active=True, since=running.started_at, pid=running.pid, server=wanted, opens_the_way=True)
    if not no_probe:
        waits = replace(began, state="pending", waits_for="its readiness probe to pass", opens_the_way=False)
        return began if seen.status.ready else waits
    stable = running.started_at + stable_for
    return (
        began
        if now >= stable
        else replace(began, state="pending", waits_for=f"it to run for {stable_for}", after=stable)
    )


def deployed(
    resource: Resource, status: ResourceStatus, find: Find, budgets: Budgets, now: datetime, *, others_busy: bool
) -> Serving:
    """Return how a deployed resource is doing; ``others_busy``: something it could wait for is still coming up."""
    apply = find(KubernetesApply, resource.name)
    if apply is None or apply.status.last_apply_time is None:
        return Serving("none")
    discovery = find(KubernetesDiscovery, resource.name)
    seen = discovery.status if discovery is not None else KubernetesDiscoveryStatus()
    known = Deployed(
        apply.status.objects,
        seen,
        pod_readiness=resource.spec.pod_readiness or "wait",
        tolerated=status.tolerated_crashes,
        once_ready=status.ever_ready,
        expected=others_busy,
    )
    tolerated = status.tolerated_crashes
    if others_busy and not status.ever_ready:
        tolerated = runtime_rules.tolerated(known)
        known = replace(known, tolerated=tolerated)
    found = runtime_rules.runtime(known, budgets, now)
    return Serving(
        found.state,
        found.waits_for,
        found.findings,
        found.after,
        found.complete,
        active=bool(seen.pods),
        since=apply.status.last_apply_time,
        pods=seen.pods,
        tolerated=tolerated,
        opens_the_way=found.state == "ok",
    )
