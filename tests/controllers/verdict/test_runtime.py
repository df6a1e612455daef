"""A deployed resource is ready when all of it is, at the same moment; and red as soon as part of it cannot be."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.controllers.verdict.cases import (
    NOW,
    ago,
    applied,
    condition,
    container,
    ended,
    event,
    job_pod,
    later,
    pod,
    running,
    seen,
    shows,
    unschedulable,
    waiting,
)
from upright.controllers.verdict.budgets import Budgets
from upright.controllers.verdict.runtime import Deployed, Runtime, runtime
from upright.openapi.v1alpha1.kubernetes_discovery import ContainerState, ContainerTerminated, PodCondition, PodOwner

if TYPE_CHECKING:
    from datetime import datetime

    from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject
    from upright.openapi.v1alpha1.kubernetes_discovery import Pod

BUDGETS = Budgets()
WEB = applied("Deployment")
JOB = applied("Job", "batch/v1", name="migrate", uid="j1", generation=1)
CONFIG = applied("ConfigMap", "v1", uid="c1")


def rolled_out(replicas: int) -> dict[str, object]:
    counts = ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")
    return {"observedGeneration": 3, **dict.fromkeys(counts, replicas)}


def web(*pods: Pod, replicas: int = 1, status: object = None, **more: object) -> Deployed:
    """Return a Deployment with these pods."""
    found = seen(WEB, status or rolled_out(replicas), spec={"replicas": replicas})
    fields: dict[str, object] = {"applied": (WEB, CONFIG), "seen": shows(found, pods=pods)}
    return Deployed(**(fields | more))  # type: ignore[arg-type]  # Deployed's fields


def decided(deployed: Deployed, now: datetime = NOW) -> Runtime:
    return runtime(deployed, BUDGETS, now)


def text(found: Runtime) -> str:
    return found.waits[0].text if found.waits else ""


WELL = container(running(60))


def test_all_replicas_ready_and_stable_is_ok() -> None:
    found = decided(web(pod(WELL), pod(WELL, name="web-2"), replicas=2))
    assert (found.state, found.complete, found.after) == ("ok", False, None)


def test_a_container_without_a_probe_must_have_run_for_a_while() -> None:
    found = decided(web(pod(container(running(0.5)))))
    assert (found.state, found.after) == ("pending", later(1.5))
    assert text(found) == "container web of Pod/web-1 to have run for 2s"
    assert decided(web(pod(container(running(0.5)))), later(1.5)).state == "ok"


def test_a_probed_container_counts_at_once() -> None:
    assert decided(web(pod(container(running(0.5), probed=True)))).state == "ok"


def test_what_ran_a_while_and_crashed_must_run_longer_than_that() -> None:
    lived = ContainerState(terminated=ContainerTerminated(started_at=ago(14), finished_at=ago(10), exit_code=9))
    found = decided(web(pod(container(running(3), restarts=1, last=lived))))
    assert (found.state, found.after) == ("pending", later(3))
    assert text(found) == "container web of Pod/web-1 to have run for 6s, longer than before it ended with code 9"
    assert decided(web(pod(container(running(3), restarts=1, last=lived))), later(3)).state == "ok"


def test_one_pod_of_three_is_not_ready() -> None:
    found = decided(web(pod(WELL), replicas=3))
    assert found.state == "pending"
    assert text(found) == "Deployment/web (1 of 3 pods seen)"


def test_two_of_three_that_crash_are_both_named_though_the_newest_is_ready() -> None:
    loop = container(ended(7), restarts=2)
    found = decided(web(pod(loop), pod(loop, name="web-2"), pod(WELL, name="web-3"), replicas=3))
    assert found.state == "error"
    assert [one.path[1] for one in found.findings] == ["Pod/web-1", "Pod/web-2"]


def test_a_sibling_that_crashed_less_often_is_named_too() -> None:
    pods = (pod(container(ended(7), restarts=2), name="web-2"), pod(container(ended(7), restarts=1)), pod(WELL))
    found = decided(web(*pods, replicas=3))
    assert [one.path[1] for one in found.findings if one.is_red(NOW)] == ["Pod/web-2", "Pod/web-1"]


def test_siblings_that_crash_within_their_budget_are_not_red() -> None:
    pods = (pod(container(ended(7), restarts=1), name="web-2"), pod(container(ended(7), restarts=1)))
    assert decided(web(*pods, replicas=2)).state == "pending"


def test_a_pod_that_is_going_does_not_count() -> None:
    assert decided(web(pod(WELL), pod(container(ended(7), restarts=9), name="old", deleting=True))).state == "ok"


def test_a_pod_of_which_nothing_is_known_yet_is_waited_for() -> None:
    found = decided(web(pod(phase="Pending", status="Pending")))
    assert text(found) == "Pod/web-1 to start (Pending)"


def test_a_pod_without_a_node_is_waited_for_in_the_schedulers_words() -> None:
    nowhere = unschedulable("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims")
    found = decided(web(pod(phase="Pending", status="Pending", conditions=(nowhere,))))
    assert text(found) == f"Pod/web-1 to start (Pending: {nowhere.message})"


def test_what_the_readiness_probe_says_is_told() -> None:
    refused = event("Unhealthy", "Readiness probe failed: connection refused")
    deployed = web(
        pod(container(running(9), ready=False, probed=True)), status=rolled_out(1) | {"availableReplicas": 0}
    )
    found = decided(replace(deployed, seen=deployed.seen.model_copy(update={"events": (refused,)})))
    assert text(found) == "container web of Pod/web-1 to be ready (Readiness probe failed: connection refused)"
    assert found.waits[0].log_of == ("web-1", "web")


def test_pods_of_a_revision_before_ours_say_nothing() -> None:
    old = pod(container(waiting("CrashLoopBackOff"), restarts=50, last=ended(7)))
    found = decided(web(old, status=rolled_out(1) | {"observedGeneration": 2}))
    assert (found.state, found.findings) == ("pending", ())
    assert decided(web(old)).state == "error"


def test_an_object_that_was_replaced_is_not_ours() -> None:
    another = seen(WEB, rolled_out(1), spec={"replicas": 1}, uid="d2")
    assert decided(Deployed((WEB,), shows(another, pods=(pod(WELL),)))).state == "pending"


def test_objects_of_which_nothing_more_is_to_be_seen_are_ready_when_applied() -> None:
    assert decided(Deployed((CONFIG,), shows())).state == "ok"


def test_pods_are_expected_of_what_images_were_built_for() -> None:
    custom = applied("Site", "example.com/v1", uid="s1")
    deployed = Deployed((custom,), shows(seen(custom)), expects_pods=True)
    assert text(decided(deployed)) == "a pod to be seen"
    with_pod = replace(deployed, seen=shows(seen(custom), pods=(pod(WELL, ancestor_uid="s1"),)))
    assert decided(with_pod).state == "ok"


# jobs


def migrate(*pods: Pod, status: object, **more: object) -> Deployed:
    fields: dict[str, object] = {"applied": (JOB,), "seen": shows(seen(JOB, status), pods=pods)}
    return Deployed(**({"pod_readiness": "succeeded"} | fields | more))  # type: ignore[arg-type]  # Deployed's fields


COMPLETE = {"conditions": [condition("Complete")]}
FAILED = {"conditions": [condition("Failed", reason="BackoffLimitExceeded", message="Job has reached its limit")]}


@pytest.mark.parametrize("pods", [(), (job_pod(container(ended(0)), phase="Succeeded"),)])
def test_a_job_is_done_when_it_is_complete_with_pods_or_without(pods: tuple[Pod, ...]) -> None:
    found = decided(migrate(*pods, status=COMPLETE))
    assert (found.state, found.complete) == ("ok", True)


def test_an_attempt_that_failed_does_not_matter_once_the_job_is_complete() -> None:
    first = job_pod(container(ended(1)), phase="Failed")
    assert decided(migrate(first, status=COMPLETE)).state == "ok"
    assert decided(migrate(first, status={})).state == "pending"


@pytest.mark.parametrize(
    ("spec", "failed_pods", "rule"),
    [
        ({"backoffLimit": 0}, 1, "job-failed"),
        ({"backoffLimit": 1}, 1, ""),
        ({"backoffLimit": 1}, 2, "job-failed"),
        ({}, 6, ""),
        ({}, 7, "job-failed"),
        ({"backoffLimit": 0, "podFailurePolicy": {"rules": [{"action": "Ignore"}]}}, 1, ""),
        ({"backoffLimit": 0, "backoffLimitPerIndex": 2}, 1, ""),
        ({"backoffLimit": 0, "successPolicy": {"rules": []}}, 1, ""),
        ({"backoffLimit": 0, "activeDeadlineSeconds": 5}, 1, ""),
    ],
)
def test_a_job_without_a_retry_left_has_failed_before_its_condition_says_so(
    spec: dict[str, object], failed_pods: int, rule: str
) -> None:
    pods = tuple(job_pod(container(ended(12)), phase="Failed", name=f"migrate-{n}") for n in range(failed_pods))
    found = decided(migrate(status={}, seen=shows(seen(JOB, {}, spec=spec), pods=pods)))
    assert [one.rule for one in found.findings] == ([rule] if rule else [])
    assert found.state == ("error" if rule else "pending")


def test_what_a_job_without_a_retry_left_says() -> None:
    failed = job_pod(container(ended(12)), phase="Failed")
    (one,) = decided(migrate(status={}, seen=shows(seen(JOB, {}, spec={"backoffLimit": 0}), pods=(failed,)))).findings
    assert one.path == ("Job/migrate", "Pod/migrate-1", "container web")
    assert one.message == "exited with code 12; the pod failed, and no retry is left (backoffLimit: 0)"
    (same,) = decided(migrate(failed, status=FAILED)).findings
    assert same.key == one.key


def test_a_job_that_completed_all_the_same_is_done() -> None:
    failed = job_pod(container(ended(12)), phase="Failed")
    seen_so = shows(seen(JOB, COMPLETE, spec={"backoffLimit": 0}), pods=(failed,))
    assert decided(migrate(status={}, seen=seen_so)).state == "ok"


def test_a_failed_job_is_told_with_the_pod_that_made_it_fail() -> None:
    first = job_pod(container(ended(1, seconds=9)), phase="Failed")
    last = job_pod(container(ended(12, seconds=2)), phase="Failed", name="migrate-2")
    (one,) = decided(migrate(last, first, status=FAILED)).findings
    assert one.path == ("Job/migrate", "Pod/migrate-2", "container web")
    assert one.message == "exited with code 12; BackoffLimitExceeded: Job has reached its limit"
    assert (one.exit_code, one.log_of, one.recoverable) == (12, ("migrate-2", "web"), False)


def test_a_deployment_beside_a_job_is_no_job() -> None:
    objects = (seen(JOB, COMPLETE), seen(WEB, rolled_out(1), spec={"replicas": 1}))
    found = decided(Deployed((JOB, WEB), shows(*objects, pods=(pod(WELL),))))
    assert (found.state, found.complete) == ("ok", False)


def test_pods_that_are_to_succeed_must_have_succeeded() -> None:
    bare = applied("Pod", "v1", uid="p1")
    for phase, state in (("Running", "pending"), ("Succeeded", "ok")):
        one = pod(WELL, phase=phase, owner=None, ancestor_uid="p1", uid="p1", restart_policy="Never")
        shown = seen(bare, {"phase": phase, "conditions": [condition("Ready")]})
        found = decided(Deployed((bare,), shows(shown, pods=(one,)), pod_readiness="succeeded"))
        assert (found.state, found.complete) == (state, phase == "Succeeded")


# readiness ignored


def test_where_readiness_is_ignored_crashes_are_too() -> None:
    found = decided(web(pod(container(ended(7), restarts=9)), pod_readiness="ignore"))
    assert (found.state, found.complete) == ("ok", False)


def test_what_others_need_must_be_there_even_then() -> None:
    definition = applied("CustomResourceDefinition", "apiextensions.k8s.io/v1", uid="x1")
    deployed = Deployed((definition,), shows(seen(definition)), pod_readiness="ignore")
    assert decided(deployed).state == "pending"


# crashes while others come up


def test_crashes_do_not_count_while_something_could_help() -> None:
    crashed = web(pod(container(ended(7), restarts=3)), busy=True)
    found = decided(crashed)
    assert (found.state, found.tolerated) == ("pending", {"web-1/web": 4})
    alone = replace(crashed, busy=False, tolerated=found.tolerated)
    assert decided(alone).state == "pending"
    again = web(pod(container(ended(7), restarts=6)), tolerated={"web-1/web": 4})
    assert decided(again).state == "error"


def test_five_crashes_count_whatever_else_goes_on() -> None:
    assert decided(web(pod(container(ended(7), restarts=4)), busy=True)).state == "error"


def test_crashes_before_it_was_ready_are_forgiven() -> None:
    found = decided(web(pod(container(running(60), restarts=2, last=ended(7)))))
    assert (found.state, found.tolerated) == ("ok", {"web-1/web": 2})
    once = web(pod(container(ended(7), restarts=2)), once_ready=True, tolerated=found.tolerated)
    assert decided(once).state == "pending"
    twice = web(pod(container(ended(7), restarts=3)), once_ready=True, tolerated=found.tolerated)
    assert decided(twice).state == "error"


# what is missing, and places


MISSING = pod(container(waiting("CreateContainerConfigError", 'secret "x" not found', seconds=60)), phase="Pending")
KEY = "missing-reference/Deployment/web/Pod/web-1/container web"


def test_a_missing_reference_is_red_after_its_time() -> None:
    fresh = pod(container(waiting("CreateContainerConfigError", 'secret "x" not found', seconds=2)), phase="Pending")
    found = decided(web(fresh))
    assert (found.state, found.after) == ("pending", later(3))
    assert decided(web(fresh), later(3)).state == "error"


def test_it_has_its_whole_time_from_when_nothing_can_help_any_more() -> None:
    held = decided(web(MISSING, busy=True))
    assert (held.state, held.excused, held.after) == ("pending", {KEY: None}, None)
    released = decided(web(MISSING, excused=held.excused))
    assert (released.state, released.excused, released.after) == ("pending", {KEY: NOW}, later(5))
    still = decided(web(MISSING, excused=released.excused), later(4))
    assert (still.state, still.after) == ("pending", later(5))
    assert decided(web(MISSING, excused=released.excused), later(5)).state == "error"


def test_a_pod_may_wait_for_the_place_of_one_that_is_leaving() -> None:
    new = pod(phase="Pending", conditions=(unschedulable("Insufficient cpu", seconds=40),))
    old = pod(WELL, name="old", deleting=True)
    held = decided(web(new, old))
    assert held.state == "pending"
    assert decided(web(new, excused=held.excused)).after == later(15)
    assert decided(web(new)).state == "error"


def test_budgets_can_be_set() -> None:
    new = pod(phase="Pending", conditions=(unschedulable("Insufficient cpu", seconds=40),))
    assert runtime(web(new), Budgets(unschedulable_timeout=timedelta(minutes=5)), NOW).state == "pending"


# sight


def test_without_sight_nothing_becomes_red_or_green() -> None:
    for one, before, after in (
        (pod(container(waiting("CreateContainerConfigError", 'secret "x" not found', seconds=2))), "pending", "error"),
        (pod(container(running(1))), "pending", "ok"),
    ):
        deployed = web(one)
        blind = replace(deployed, seen=deployed.seen.model_copy(update={"sight_lost_at": ago(0)}))
        assert decided(deployed, later(60)).state == after
        assert decided(blind, later(60)).state == before
        assert decided(blind, later(60)).after is None


def test_crashes_of_a_pod_that_was_there_before_our_apply_count_from_then_on() -> None:
    crashed = {"ready": False, "last": ended(7, seconds=30)}
    back_off = pod(container(waiting("CrashLoopBackOff"), restarts=8, **crashed), created_at=ago(600))
    first = decided(web(back_off, since=ago(10)))
    assert (first.state, first.tolerated) == ("pending", {"web-1/web": 9})
    again = pod(container(waiting("CrashLoopBackOff"), restarts=11, ready=False, last=ended(7)), created_at=ago(600))
    assert decided(web(again, since=ago(10), tolerated=first.tolerated)).state == "error"


def test_a_crash_just_after_our_apply_is_the_first_that_counts() -> None:
    back_off = pod(container(waiting("CrashLoopBackOff"), restarts=8, last=ended(7)), created_at=ago(600))
    assert decided(web(back_off, since=ago(10))).tolerated == {"web-1/web": 8}


def test_a_pod_of_this_apply_has_no_crashes_of_before() -> None:
    fresh = pod(container(waiting("CrashLoopBackOff"), restarts=2, last=ended(7)), created_at=ago(10.5))
    assert decided(web(fresh, since=ago(10))).state == "error"


@pytest.mark.parametrize(
    ("told", "why"), [({"reason": "NodeLost"}, "NodeLost"), ({"message": "gate shut"}, "gate shut")]
)
def test_a_pod_may_be_unready_though_its_containers_are_ready(told: dict[str, str], why: str) -> None:
    gated = pod(WELL, conditions=(PodCondition(type="Ready", status="False", **told),))  # type: ignore[arg-type]  # texts
    found = decided(web(gated))
    assert (found.state, text(found)) == ("pending", f"Pod/web-1 to be ready ({why})")


def test_a_sidecar_is_waited_for_like_the_other_containers() -> None:
    proxy = container(running(), name="proxy", sidecar=True, probed=True, ready=False)
    assert text(decided(web(pod(WELL, init_containers=(proxy,))))) == "container proxy of Pod/web-1 to be ready"


def test_what_is_not_seen_does_not_become_red_by_time_alone() -> None:
    unplaced = pod(phase="Pending", conditions=(unschedulable("no room", 1),))
    deployed = web(unplaced, status={"observedGeneration": 3})
    blind = replace(deployed, seen=deployed.seen.model_copy(update={"sight_lost_at": ago(0)}))
    assert [one.is_red(later(60)) for one in decided(deployed, later(60)).findings] == [True]
    assert [one.is_red(later(60)) for one in decided(blind, later(60)).findings] == [False]


def test_a_daemon_set_whose_pods_were_not_seen_is_not_ready() -> None:
    agent = applied("DaemonSet")
    status = {"observedGeneration": 3, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1}
    told = seen(agent, status)
    unseen = Deployed(applied=(agent,), seen=shows(told))
    assert decided(unseen).state == "pending"
    assert text(decided(unseen)) == "DaemonSet/web (0 of 1 pods seen)"
    assert decided(Deployed(applied=(agent,), seen=shows(told, pods=(pod(WELL),)))).state == "ok"


def test_a_deployment_without_progress_says_what_its_pod_waits_for() -> None:
    late = container(running(60), ready=False, probed=True)
    stuck = condition("Progressing", "False", reason="ProgressDeadlineExceeded", message="no progress.")
    said = (event("Unhealthy", "Readiness probe failed: not yet"),)
    found = seen(WEB, {**rolled_out(1), "conditions": [stuck]}, spec={"replicas": 1})
    (one,) = decided(Deployed((WEB,), shows(found, pods=(pod(late),), events=said))).findings
    assert one.rule == "progress-deadline"
    assert one.path == ("Deployment/web", "Pod/web-1", "container web")
    assert one.message == (
        "no progress: it waits for container web of Pod/web-1 to be ready (Readiness probe failed: not yet)"
    )
    assert one.log_of == ("web-1", "web")


def test_a_broken_pod_that_a_stateful_set_will_not_replace_is_red_and_says_what_to_do() -> None:
    db = applied("StatefulSet", name="db")
    strategy = {"updateStrategy": {"type": "RollingUpdate"}}
    status = {"observedGeneration": 3, "updateRevision": "db-2", "currentRevision": "db-1"}
    owner = PodOwner(name="db", api_version="apps/v1", kind="StatefulSet")
    bad = container(waiting("InvalidImageName", "no such name", seconds=50), ready=False)
    old = pod(bad, name="db-0", phase="Pending", owner=owner)
    deployed = Deployed(applied=(db,), seen=shows(seen(db, status, spec=strategy), pods=(old,)), since=ago(1))
    first = runtime(deployed, Budgets(), NOW)
    assert (first.state, first.after) == ("pending", later(5))
    then = runtime(replace(deployed, excused=first.excused), Budgets(), later(5))
    assert (then.state, then.findings[0].rule) == ("error", "invalid-image-name")
    assert "kubectl delete pod db-0 -n default" in then.findings[0].message
    changed = seen(db, status | {"currentRevision": "db-2"}, spec=strategy)
    assert (
        "kubectl"
        not in runtime(replace(deployed, seen=shows(changed, pods=(old,))), Budgets(), NOW).findings[0].message
    )


# what others delete


def deleted(of: AppliedObject, status: object, **more: object) -> Deployed:
    gone = seen(of, status, deleted_at=ago(4), **more)
    return Deployed((of,), shows(gone))


def test_what_somebody_else_deleted_is_red_after_a_while() -> None:
    found = decided(deleted(WEB, rolled_out(1), spec={"replicas": 1}))
    assert (found.state, found.after) == ("pending", later(1))
    assert text(found) == "Deployment/web (it was deleted)"
    (one,) = decided(deleted(WEB, rolled_out(1), spec={"replicas": 1}), later(1)).findings
    assert (one.rule, one.path) == ("deleted", ("Deployment/web",))
    assert one.message == "it was deleted after it was applied, and not by this run"


def test_what_is_being_deleted_is_red_after_a_while_from_when_that_was_seen() -> None:
    leaving = Deployed((WEB,), shows(seen(WEB, rolled_out(1), deleting=True)))
    first = decided(leaving)
    assert (first.state, first.after) == ("pending", later(5))
    later_on = decided(replace(leaving, excused=first.excused), later(5))
    assert [one.message for one in later_on.findings] == [
        "it is being deleted after it was applied, and not by this run"
    ]
    assert later_on.state == "error"


def test_what_this_run_is_making_anew_may_be_gone_for_long() -> None:
    found = decided(replace(deleted(WEB, rolled_out(1)), updating=True), later(600))
    assert (found.state, found.after) == ("pending", None)


@pytest.mark.parametrize("gone", [{"deleted_at": ago(400)}, {"deleting": True}])
def test_a_job_that_was_done_stays_so_when_it_is_deleted(gone: dict[str, object]) -> None:
    found = decided(migrate(status={}, seen=shows(seen(JOB, COMPLETE, **gone))))
    assert (found.state, found.complete) == ("ok", True)


def test_a_job_that_was_deleted_before_it_was_done_is_red() -> None:
    found = decided(migrate(status={}, seen=shows(seen(JOB, {}, deleted_at=ago(5)))))
    assert (found.state, found.findings[0].rule) == ("error", "deleted")


def test_a_job_of_an_older_generation_was_not_done() -> None:
    older = seen(JOB, COMPLETE, deleted_at=ago(1), generation=0)
    assert decided(migrate(status={}, seen=shows(older))).state == "pending"


@pytest.mark.parametrize(
    ("conditions", "state"), [([], "ok"), ([condition("Ready")], "ok"), ([condition("Ready", "False")], "pending")]
)
def test_a_custom_resource_may_be_deleted_by_whoever_it_is_for(conditions: list[object], state: str) -> None:
    task = applied("TaskRun", "tekton.dev/v1", uid="t1", generation=1)
    found = decided(Deployed((task,), shows(seen(task, {"conditions": conditions}, deleted_at=ago(60))), assumed=True))
    assert (found.state, found.findings) == (state, ())
