"""What is wrong with a pod is found, in time and with its evidence; what may still help is waited for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.controllers.verdict.cases import (
    IMAGE,
    NOW,
    ago,
    container,
    ended,
    event,
    job_pod,
    pod,
    running,
    unschedulable,
    waiting,
)
from upright.controllers.verdict.budgets import Budgets
from upright.controllers.verdict.crashes import crashes, must_run, stable_at
from upright.controllers.verdict.image_pulls import answer
from upright.controllers.verdict.pod_view import PodView
from upright.controllers.verdict.pods import findings
from upright.openapi.v1alpha1.kubernetes_discovery import ContainerRunning, ContainerState, ContainerTerminated

if TYPE_CHECKING:
    from upright.controllers.verdict.finding import Finding
    from upright.openapi.v1alpha1.kubernetes_discovery import Container, Pod

BUDGETS = Budgets()


def found(one: Pod, **more: object) -> list[Finding]:
    fields: dict[str, object] = {"owner": ("Deployment/web",)}
    return list(findings(PodView(one, NOW, **(fields | more)), BUDGETS))  # type: ignore[arg-type]  # PodView's fields


def rules(one: Pod, **more: object) -> list[str]:
    return [finding.rule for finding in found(one, **more)]


# crashes


@pytest.mark.parametrize(
    ("one", "count"),
    [
        (container(running()), 0),
        (container(ended(7)), 1),
        (container(ended(7), restarts=2), 3),
        (container(running(1), restarts=2, last=ended(7)), 2),
        (container(waiting("CrashLoopBackOff"), restarts=2, last=ended(7)), 3),
        (container(waiting("RunContainerError"), restarts=1, last=ended(128, "StartError")), 2),
        (container(waiting("ContainerCreating"), restarts=2, last=ended(7)), 2),
        (container(waiting("ContainerCreating")), 0),
        (container(ended(0, "Completed")), 1),
    ],
)
def test_each_end_of_a_server_counts_once(one: Container, count: int) -> None:
    assert crashes(pod(one), one) == count


def test_an_init_container_that_ends_well_has_not_crashed() -> None:
    done = container(ended(0, "Completed"), name="migrate")
    one = pod(container(running()), init_containers=(done,))
    assert crashes(one, done) == 0
    assert rules(one) == []


BACKING_OFF = {"last": ended(7)}


@pytest.mark.parametrize(
    ("one", "more", "rule"),
    [
        (container(ended(7)), {}, ""),
        (container(waiting("CrashLoopBackOff"), restarts=1, **BACKING_OFF), {}, ""),
        (container(waiting("CrashLoopBackOff"), restarts=2, **BACKING_OFF), {}, "crash-loop"),
        (container(running(1), ready=False, restarts=3, **BACKING_OFF), {}, "crash-loop"),
        (container(ended(0, "Completed"), restarts=2), {}, "crash-loop"),
        # two after it was ready
        (container(ended(7), restarts=1), {"once_ready": True}, "crash-loop"),
        (container(ended(7)), {"once_ready": True}, ""),
        (container(ended(7), restarts=2), {"once_ready": True, "tolerated": {"web-1/web": 2}}, ""),
        (container(ended(7), restarts=3), {"once_ready": True, "tolerated": {"web-1/web": 2}}, "crash-loop"),
        # those do not count that happened while others came up; five do
        (container(ended(7), restarts=3), {"tolerated": {"web-1/web": 4}}, ""),
        (container(ended(7), restarts=3), {"tolerated": {"web-2/web": 4}}, "crash-loop"),
        (container(ended(7), restarts=4), {"tolerated": {"web-1/web": 5}}, "crash-loop"),
        # what is ready now has recovered
        (container(running(60), restarts=4, **BACKING_OFF), {}, ""),
        (container(running(1), restarts=4, **BACKING_OFF), {}, "crash-loop"),
        (container(running(1), restarts=4, probed=True, **BACKING_OFF), {}, ""),
    ],
)
def test_a_crash_loop_is_red_when_its_budget_is_used_up(one: Container, more: dict[str, object], rule: str) -> None:
    assert rules(pod(one), **more) == ([rule] if rule else [])


def test_a_crash_loop_is_told_with_place_code_image_and_log() -> None:
    (one,) = found(pod(container(ended(7), restarts=2)), events=[event("BackOff", "Back-off\nrestarting", count=3)])
    assert one.path == ("Deployment/web", "Pod/web-1", "container web")
    assert (one.message, one.exit_code, one.image) == ("exited with code 7, 3 times", 7, IMAGE)
    assert (one.log_of, one.since) == (("web-1", "web"), ago(1))
    assert one.events == ("BackOff: Back-off restarting (x3)",)
    assert one.is_red(NOW)
    assert one.recoverable


def test_an_end_for_lack_of_memory_is_named() -> None:
    (one,) = found(pod(container(ended(137, "OOMKilled"), restarts=2)))
    assert one.message == "exited with code 137, 3 times (OOMKilled)"


def test_the_crash_budget_can_be_set() -> None:
    view = PodView(pod(container(ended(7), restarts=6)), NOW)
    assert list(findings(view, Budgets(crash_budget=10))) == []
    assert list(findings(view, Budgets(crash_budget=7))) != []
    assert list(findings(PodView(pod(container(ended(7))), NOW), Budgets(crash_budget=1))) != []


NOT_FOUND = 'exec: "serve": executable file not found in $PATH: unknown'


@pytest.mark.parametrize(
    ("end", "restarts", "more", "rule"),
    [
        (ended(128, "StartError", NOT_FOUND), 0, {}, ""),
        (ended(128, "StartError", NOT_FOUND), 1, {}, "not-startable"),
        (ended(128, "StartError", NOT_FOUND), 1, {"tolerated": {"web-1/web": 2}}, "not-startable"),
        (ended(128, "StartError", "exec /serve: exec format error"), 1, {}, "not-startable"),
        (ended(127, "ContainerCannotRun", "stat /serve: no such file or directory"), 1, {}, "not-startable"),
        # the program's own last words
        (ended(1, "Error", "open /config: no such file or directory"), 1, {}, ""),
    ],
)
def test_a_program_that_is_not_there_is_red_the_second_time(
    end: object, restarts: int, more: dict[str, object], rule: str
) -> None:
    one = container(waiting("RunContainerError"), restarts=restarts, last=end)
    assert rules(pod(one), **more) == ([rule] if rule else [])


def test_crashes_of_a_jobs_pod_are_the_jobs_business() -> None:
    assert rules(job_pod(container(ended(7), restarts=8), restart_policy="OnFailure"), of_job=True) == []


def test_a_pod_that_is_going_is_left_alone() -> None:
    assert rules(pod(container(ended(7), restarts=8), deleting=True)) == []


# failed for good


def test_a_pod_that_failed_and_nobody_will_retry_is_red_at_once() -> None:
    one = pod(container(ended(3)), phase="Failed", owner=None, restart_policy="Never")
    (finding,) = found(one)
    assert (finding.rule, finding.exit_code, finding.recoverable) == ("pod-failed", 3, False)
    assert finding.is_red(NOW)


def test_a_pod_that_its_node_ended_says_why_beside_the_exit_code() -> None:
    evicted = pod(container(ended(137)), phase="Failed", owner=None, reason="Evicted", message="low on memory. ")
    (finding,) = found(evicted)
    assert finding.message == "exited with code 137, and nothing restarts it: Evicted: low on memory."


def test_a_pod_that_failed_without_an_exit_code_says_why() -> None:
    (finding,) = found(pod(phase="Failed", owner=None, reason="DeadlineExceeded", message="active too long"))
    assert finding.message == "the pod failed: active too long"


def test_a_failed_pod_that_its_owner_replaces_is_no_failure() -> None:
    assert rules(pod(phase="Failed", reason="Evicted")) == []


# images


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (f'failed to resolve reference "{IMAGE}": {IMAGE}: not found', "never"),
        ("manifest unknown", "never"),
        ("unexpected status from HEAD request to https://r/v2/x/manifests/1: 401 Unauthorized", "never"),
        ("unexpected status from HEAD request to https://r/v2/x/manifests/1: 403 Forbidden", "never"),
        ("pull access denied, repository does not exist or may require authorization", "never"),
        ("dial tcp 127.0.0.1:503: connect: connection refused", "unreachable"),
        ('dial tcp: lookup "registry.nowhere": no such host', "unreachable"),
        ("unexpected status from HEAD request to https://r/v2/x: 429 Too Many Requests", "later"),
        ("toomanyrequests: You have reached your pull rate limit", "later"),
        ("unexpected status code 503: not found", "later"),
        ("500 Internal Server Error", "later"),
        ("dial tcp 10.0.0.1:443: i/o timeout", "later"),
        ("context deadline exceeded", "later"),
        ('Back-off pulling image "registry/not-found/denied:502"', ""),
        ("tls: failed to verify certificate", ""),
    ],
)
def test_a_registrys_answer_is_understood_whatever_the_image_is_called(text: str, means: str) -> None:
    assert answer(text) == means


REFUSED = f'Failed to pull image "{IMAGE}": dial tcp 127.0.0.1:5000: connect: connection refused'
GONE = f'Failed to pull image "{IMAGE}": rpc error: code = NotFound desc = {IMAGE}: not found'
LIMITED = f'Failed to pull image "{IMAGE}": 429 Too Many Requests'
BARE = f'Back-off pulling image "{IMAGE}"'


@pytest.mark.parametrize(
    ("reason", "message", "events", "red", "recoverable"),
    [
        ("ErrImagePull", GONE, [], True, False),
        ("ImagePullBackOff", f"{BARE}: ErrImagePull: {GONE}", [], True, False),
        ("ImagePullBackOff", BARE, [event("Failed", GONE)], True, False),
        ("ImagePullBackOff", BARE, [event("Failed", LIMITED), event("Failed", GONE)], True, False),
        ("ImagePullBackOff", BARE, [event("Failed", LIMITED)], False, True),
        ("ImagePullBackOff", BARE, [], False, True),
        ("ErrImagePull", LIMITED, [event("Failed", LIMITED, count=9)], False, True),
        ("ErrImagePull", REFUSED, [event("Failed", REFUSED)], False, True),
        ("ErrImagePull", REFUSED, [event("Failed", REFUSED, count=2)], True, True),
        ("ErrImagePull", REFUSED, [event("Failed", REFUSED), event("Failed", REFUSED)], True, True),
        ("ErrImagePull", REFUSED, [event("Failed", 'Failed to pull image "other": connection refused')], False, True),
        ("InvalidImageName", "couldn't parse image name", [], True, False),
        ("ErrImageNeverPull", "not present with pull policy of Never", [], True, False),
    ],
)
def test_an_image_that_will_not_come_is_red(
    reason: str, message: str, events: list[object], red: bool, recoverable: bool
) -> None:
    all_found = found(pod(container(waiting(reason, message))), events=events)
    assert [one.is_red(NOW) for one in all_found] == [True] * red
    assert [one.recoverable for one in all_found] == [recoverable] * red


def test_a_bare_back_off_is_told_with_what_the_registry_said() -> None:
    (one,) = found(pod(container(waiting("ImagePullBackOff", BARE))), events=[event("Failed", GONE)])
    assert one.message.endswith(f"{IMAGE}: not found")


# what is missing


SECRET = 'secret "credentials" not found'


@pytest.mark.parametrize(
    ("reason", "message", "rule"),
    [
        ("CreateContainerConfigError", SECRET, "missing-reference"),
        ("CreateContainerConfigError", "couldn't find key password in Secret default/db", "missing-reference"),
        ("CreateContainerConfigError", "container has runAsNonRoot and image will run as root", "cannot-create"),
        ("CreateContainerError", "the name is in use", "cannot-create"),
    ],
)
def test_a_container_that_cannot_be_made_is_tolerated_for_a_while(reason: str, message: str, rule: str) -> None:
    (one,) = found(pod(container(waiting(reason, message, seconds=4))))
    assert (one.rule, one.message) == (rule, f"{reason}: {message}")
    assert (one.since, one.tolerance) == (ago(4), BUDGETS.missing_ref_timeout)
    assert not one.held


def test_what_this_run_may_still_create_is_waited_for() -> None:
    missing = pod(container(waiting("CreateContainerConfigError", SECRET, seconds=60)))
    assert [one.held for one in found(missing, busy=True)] == [True]
    wrong = pod(container(waiting("CreateContainerConfigError", "container has runAsNonRoot", seconds=60)))
    assert [one.held for one in found(wrong, busy=True)] == [False]


MOUNT = 'MountVolume.SetUp failed for volume "settings" : configmap "settings" not found'


@pytest.mark.parametrize(
    ("events", "rule"),
    [
        ([event("FailedMount", MOUNT)], "missing-reference"),
        ([event("FailedMount", MOUNT), event("Started")], ""),
        ([event("FailedMount", "timed out waiting for the condition")], ""),
        ([], ""),
    ],
)
def test_a_volume_whose_source_is_missing_is_found_by_its_event(events: list[object], rule: str) -> None:
    assert rules(pod(container(waiting("ContainerCreating"))), events=events) == ([rule] if rule else [])


# places


@pytest.mark.parametrize(
    ("message", "more", "rule", "held"),
    [
        ("0/1 nodes are available: 1 Insufficient cpu.", {}, "unschedulable", False),
        ("0/1 nodes are available: 1 Insufficient cpu.", {"leaving": True}, "unschedulable", True),
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
            {},
            "unschedulable",
            True,
        ),
        ("pod has unbound immediate PersistentVolumeClaims", {}, "unschedulable", True),
        ("Insufficient cpu", {"events": [event("TriggeredScaleUp")]}, "unschedulable", True),
        (
            "Insufficient cpu",
            {"events": [event("TriggeredScaleUp"), event("NotTriggerScaleUp")]},
            "unschedulable",
            False,
        ),
        ('persistentvolumeclaim "data" not found', {}, "missing-reference", False),
        ('persistentvolumeclaim "data" not found', {"busy": True}, "missing-reference", True),
    ],
)
def test_a_pod_without_a_place_is_told_in_the_schedulers_words(
    message: str, more: dict[str, object], rule: str, held: bool
) -> None:
    (one,) = found(pod(phase="Pending", conditions=(unschedulable(message, seconds=3),)), **more)
    assert (one.rule, one.held, one.since) == (rule, held, ago(3))
    assert one.message == f"no node can take the pod: {message}"
    expected = BUDGETS.unschedulable_timeout if rule == "unschedulable" else BUDGETS.missing_ref_timeout
    assert one.tolerance == expected


# stable


@pytest.mark.parametrize(
    ("one", "seconds_ago"),
    [
        (container(running(10)), 8),
        (container(running(1)), -1),
        (container(running(1), probed=True), 1),
        (container(ContainerState(running=ContainerRunning(started_at=ago(10), counts_from=ago(3)))), 1),
        (container(ContainerState(running=ContainerRunning(started_at=ago(10), counts_from=ago(3))), probed=True), 10),
        (container(running(10), ready=False), None),
        (container(waiting("ContainerCreating")), None),
        (container(ended(0)), None),
    ],
)
def test_a_container_without_a_probe_counts_when_it_has_run_for_a_while(
    one: Container, seconds_ago: float | None
) -> None:
    assert stable_at(one, BUDGETS.stable_for) == (None if seconds_ago is None else ago(seconds_ago))


def _lived(seconds: float) -> ContainerState:
    return ContainerState(
        terminated=ContainerTerminated(started_at=ago(100 + seconds), finished_at=ago(100), exit_code=9)
    )


@pytest.mark.parametrize(
    ("one", "seconds"),
    [
        (container(running(1), restarts=1, last=_lived(1)), 2),
        (container(running(1), restarts=1, last=_lived(2)), 4),
        (container(running(1), restarts=1, last=_lived(4)), 6),
        (container(running(1), restarts=1, last=_lived(4), probed=True), 6),
        (container(running(1), restarts=1, last=_lived(1), probed=True), 0),
        (container(running(1), restarts=1, last=_lived(3600)), 62),
        (container(running(1), restarts=1, last=ended(9)), 2),
        (container(running(1)), 2),
        (container(running(1), probed=True), 0),
    ],
)
def test_a_container_that_ended_when_it_could_have_been_ready_must_outlive_that_run(
    one: Container, seconds: float
) -> None:
    assert must_run(one, BUDGETS.stable_for).total_seconds() == seconds
    assert stable_at(one, BUDGETS.stable_for) == ago(1 - seconds)


def test_who_wants_no_stability_gets_none() -> None:
    assert not must_run(container(running(1), last=_lived(4)), timedelta())


def test_who_has_yet_to_outlive_a_run_is_in_no_crash_loop() -> None:
    assert rules(pod(container(running(3), restarts=4, last=_lived(4)))) == []
    assert rules(pod(container(running(1), restarts=4, last=_lived(4)))) == ["crash-loop"]


# what else ends a container, and when it does not count


def test_crashes_before_our_apply_do_not_count() -> None:
    old = {"older": True, "tolerated": {"web-1/web": 9}}
    assert rules(pod(container(ended(7), restarts=9)), **old) == []
    (one,) = found(pod(container(ended(7), restarts=11)), **old)
    assert one.message == "exited with code 7, 3 times since it was applied (12 in all)"


def test_a_container_that_a_liveness_probe_ends_says_so() -> None:
    said = [
        event("Unhealthy", "Readiness probe failed: not yet"),
        event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500"),
        event("Killing", "Container web failed liveness probe, will be restarted"),
    ]
    (one,) = found(pod(container(ended(137), restarts=2)), events=said)
    assert one.message == (
        "exited with code 137, 3 times: killed because its liveness probe failed"
        " (Liveness probe failed: HTTP probe failed with statuscode: 500)"
    )
    (other,) = found(pod(container(ended(137), restarts=2, name="side")), events=said)
    assert other.message == "exited with code 137, 3 times"


@pytest.mark.parametrize("policy", ["Always", "Never"])
def test_a_sidecar_that_keeps_ending_is_in_a_crash_loop_though_it_ends_well(policy: str) -> None:
    proxy = container(ended(0, "Completed"), name="proxy", restarts=2, sidecar=True)
    assert rules(pod(container(running()), init_containers=(proxy,), restart_policy=policy)) == ["crash-loop"]


def test_an_evicted_pod_is_no_crash_loop_for_its_owner_makes_another() -> None:
    one = pod(container(ended(137), restarts=2), phase="Failed", reason="Evicted")
    assert rules(one) == []
    assert rules(pod(container(ended(137), restarts=2))) == ["crash-loop"]
