"""What runs after the update: a server that must start, pass its probe and stay; or pods."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.controllers.stories import PROBE, Mirror, deployment, image, local, shell
from tests.controllers.verdict.cases import NOW, ago, applied, container, ended, later, pod, running, seen, shows
from upright.controllers import fingerprint, serving
from upright.controllers.verdict.budgets import Budgets
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import Cmd, CmdRunning, CmdStatus, CmdTerminated
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply, KubernetesApplySpec, KubernetesApplyStatus
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery, KubernetesDiscoveryStatus
from upright.openapi.v1alpha1.resource import ResourceStatus

if TYPE_CHECKING:
    from upright.openapi.v1alpha1.kubernetes_discovery import Pod
    from upright.openapi.v1alpha1.resource import Resource

BUDGETS = Budgets()
AFTER_UPDATE = ResourceStatus(serve_run=1, triggered="c1")
PLAIN = local(serve=shell("serve"))
PROBED = local(serve=shell("serve", readiness_probe=PROBE))


def server(resource: Resource, status: CmdStatus | None, *, ran: bool = True) -> serving.Serving:
    """Return how the server is doing when its Cmd has this status."""
    mirror = Mirror()
    made = serving.local(resource, AFTER_UPDATE, mirror, BUDGETS, NOW).server
    assert made is not None
    if status is not None:
        mirror.put(made, status.model_copy(update={"ran": fingerprint.of_step(made) if ran else ""}))
    return serving.local(resource, AFTER_UPDATE, mirror, BUDGETS, NOW)


def runs(seconds: float, *, ready: bool = True) -> CmdStatus:
    return CmdStatus(running=CmdRunning(pid=42, started_at=ago(seconds)), ready=ready)


def exited(code: int, reason: str = "") -> CmdStatus:
    return CmdStatus(terminated=CmdTerminated(exit_code=code, reason=reason, started_at=ago(9), finished_at=ago(1)))


@pytest.mark.parametrize(
    ("resource", "status", "state", "opens"),
    [
        (PLAIN, None, "pending", False),
        (PLAIN, CmdStatus(), "pending", False),
        (PLAIN, runs(1), "pending", True),
        (PLAIN, runs(2), "ok", True),
        (PROBED, runs(100, ready=False), "pending", False),
        (PROBED, runs(0.1), "ok", True),
        (PLAIN, exited(0), "error", False),
        (PLAIN, exited(7, "exit status 7"), "error", False),
    ],
)
def test_a_server_is_well_when_it_is_ready_or_has_run_for_a_while(
    resource: Resource, status: CmdStatus | None, state: str, opens: bool
) -> None:
    found = server(resource, status)
    assert (found.state, found.opens_the_way) == (state, opens)
    assert found.server is not None


def test_a_server_without_a_probe_is_looked_at_again_when_it_has_run_long_enough() -> None:
    found = server(PLAIN, runs(0.5))
    assert (found.after, found.waits_for) == (later(1.5), "its server to have run for 2s")


def test_what_a_server_waits_for_is_told() -> None:
    assert server(PLAIN, None).waits_for == "its server to start"
    assert server(PROBED, runs(5, ready=False)).waits_for == "its readiness probe to pass"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (exited(0), "the server (serve_cmd) exited with code 0"),
        (exited(7, "exit status 7"), "the server (serve_cmd) exited with code 7"),
        (exited(137, "signal: killed"), "the server (serve_cmd) exited with code 137: signal: killed"),
    ],
)
def test_any_exit_of_a_server_is_red(status: CmdStatus, message: str) -> None:
    (found,) = server(PLAIN, status).findings
    assert (found.rule, found.message, found.path) == ("server-exited", message, ("Cmd/web-serve-1",))
    assert found.is_red(NOW)


def test_a_life_that_was_lost_is_no_exit() -> None:
    assert server(PLAIN, exited(137, "lost"), ran=False).state == "pending"


def test_a_resource_without_a_server_needs_none() -> None:
    found = serving.local(local(update="make"), AFTER_UPDATE, Mirror(), BUDGETS, NOW)
    assert (found.state, found.opens_the_way, found.server) == ("not_applicable", True, None)


# pods


WEB = applied("Deployment")


def deployed(
    *pods: Pod, status: KubernetesApplyStatus | None = None, busy: bool = False, **shown: object
) -> serving.Serving:
    mirror = Mirror()
    done = status or KubernetesApplyStatus(last_apply_time=ago(30), objects=(WEB,))
    mirror.put(KubernetesApply(metadata=ObjectMeta(name="web"), spec=KubernetesApplySpec(yaml="x")), done)
    counts = {"observedGeneration": 3, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    seen_now = shows(seen(WEB, counts, spec={"replicas": 1}), pods=pods, **shown)
    mirror.put(KubernetesDiscovery(metadata=ObjectMeta(name="web")), seen_now)
    return serving.deployed(deployment(), ResourceStatus(), mirror, BUDGETS, NOW, others_busy=busy)


def test_pods_that_are_ready_open_the_way() -> None:
    found = deployed(pod(container(running())))
    assert (found.state, found.active, found.since, found.opens_the_way) == ("ok", True, ago(30), True)


def test_before_the_apply_nothing_runs() -> None:
    assert serving.deployed(deployment(), ResourceStatus(), Mirror(), BUDGETS, NOW, others_busy=False).state == "none"
    assert deployed(status=KubernetesApplyStatus()).state == "none"


def test_after_an_apply_that_failed_nothing_is_well() -> None:
    failed = KubernetesApplyStatus(last_apply_time=NOW, error="quota exceeded")
    found = deployed(pod(container(running())), status=failed)
    assert (found.state, found.opens_the_way) == ("none", False)


def test_what_is_not_seen_yet_is_waited_for() -> None:
    mirror = Mirror()
    done = KubernetesApplyStatus(last_apply_time=ago(30), objects=(WEB,))
    mirror.put(KubernetesApply(metadata=ObjectMeta(name="web"), spec=KubernetesApplySpec(yaml="x")), done)
    found = serving.deployed(deployment(), ResourceStatus(), mirror, BUDGETS, NOW, others_busy=False)
    assert (found.state, found.waits_for) == ("pending", "Deployment/web (not seen in the cluster yet)")


def test_tolerated_crashes_are_handed_on() -> None:
    found = deployed(pod(container(ended(7), restarts=3)), busy=True)
    assert (found.state, found.tolerated) == ("pending", {"web-1/web": 4})


def test_that_nothing_can_be_seen_is_told() -> None:
    assert deployed(pod(container(running())), sight_lost_at=ago(1)).blind
    assert not deployed(pod(container(running()))).blind


def test_a_resource_that_builds_images_has_pods() -> None:
    mirror = Mirror()
    config = applied("ConfigMap", "v1")
    done = KubernetesApplyStatus(last_apply_time=ago(30), objects=(config,))
    mirror.put(KubernetesApply(metadata=ObjectMeta(name="web"), spec=KubernetesApplySpec(yaml="x")), done)
    mirror.put(KubernetesDiscovery(metadata=ObjectMeta(name="web")), KubernetesDiscoveryStatus())
    for resource, state in ((deployment("web", image("shop")), "pending"), (deployment(), "ok")):
        assert serving.deployed(resource, ResourceStatus(), mirror, BUDGETS, NOW, others_busy=False).state == state


def test_how_long_is_stable_can_be_set() -> None:
    mirror = Mirror()
    made = serving.local(PLAIN, AFTER_UPDATE, mirror, BUDGETS, NOW).server
    assert isinstance(made, Cmd)
    mirror.put(made, runs(4).model_copy(update={"ran": fingerprint.of_step(made)}))
    for seconds, state in ((3, "ok"), (5, "pending")):
        budgets = Budgets(stable_for=timedelta(seconds=seconds))
        assert serving.local(PLAIN, AFTER_UPDATE, mirror, budgets, NOW).state == state
