"""Custom resources: their pods at any depth, their own words, and what is assumed where the Tiltfile says nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.controllers.verdict.cases import NOW, ago, applied, condition, container, ended, pod, running, seen, shows
from upright.controllers.verdict.budgets import Budgets
from upright.controllers.verdict.runtime import Deployed, Runtime, runtime
from upright.openapi.v1alpha1.kubernetes_discovery import Pod, PodOwner

WIDGET = applied("Widget", "shop.example/v1", name="one")
BY_WIDGET = PodOwner(name="one", api_version="shop.example/v1", kind="Widget")
BY_JOB = PodOwner(name="one-job", api_version="batch/v1", kind="Job")
WELL = container(running())
FAILED = container(ended(3))


def judged(*pods: Pod, conditions: tuple[object, ...] = (), seconds: float = 0.0, **more: object) -> Runtime:
    shown = shows(seen(WIDGET, {"conditions": list(conditions)}), pods=pods)
    fields: dict[str, object] = {"applied": (WIDGET,), "seen": shown}
    known = Deployed(**(fields | more))  # type: ignore[arg-type]  # Deployed's fields
    first = runtime(known, Budgets(), NOW)
    later = Deployed(**(fields | {"excused": first.excused} | more))  # type: ignore[arg-type]  # as above
    return runtime(later, Budgets(), NOW + timedelta(seconds=seconds)) if seconds else first


def made(*containers: object, name: str = "one-1", **more: object) -> Pod:
    assert all(isinstance(one, type(WELL)) for one in containers)
    return pod(*containers, name=name, **{"owner": BY_WIDGET} | more)  # type: ignore[arg-type]  # said above


def test_one_that_says_nothing_is_shown_by_its_pods() -> None:
    assert [wait.text for wait in judged().waits] == ["a pod to be seen"]
    assert judged(made(WELL)).state == "ok"


def test_one_that_says_it_is_ready_may_have_none() -> None:
    assert judged(conditions=(condition("Ready"),)).state == "ok"
    assert judged(conditions=(condition("Ready", "False", message="no quorum"),)).state == "pending"


@pytest.mark.parametrize("mode", ["wait", "succeeded"])
def test_its_last_pod_failed_is_red_unless_another_is_made_in_a_moment(mode: str) -> None:
    lost = made(FAILED, phase="Failed", restart_policy="Never")
    assert judged(lost, pod_readiness=mode).state == "pending"
    late = judged(lost, pod_readiness=mode, seconds=6)
    assert (late.state, late.findings[0].rule) == ("error", "pod-failed")
    assert late.findings[0].path == ("Widget/one", "Pod/one-1", "container web")
    retried = made(WELL, name="one-2", created_at=ago(1))
    assert judged(lost, retried, pod_readiness=mode, seconds=6).state == ("ok" if mode == "wait" else "pending")


def test_a_pod_that_failed_is_no_matter_while_something_could_help_or_where_all_is_said_to_be_well() -> None:
    lost = made(FAILED, phase="Failed", restart_policy="Never")
    assert judged(lost, busy=True, seconds=6).state == "pending"
    assert judged(lost, conditions=(condition("Ready"),), seconds=6).state == "ok"


def test_where_its_pods_are_to_succeed_those_of_a_job_it_made_count_too() -> None:
    running_ = made(WELL, owner=BY_JOB, owner_uid="j1")
    assert judged(running_, pod_readiness="succeeded").state == "pending"
    done = made(container(ended(0)), owner=BY_JOB, owner_uid="j1", phase="Succeeded")
    assert judged(done, pod_readiness="succeeded").state == "ok"


def test_where_readiness_is_not_said_its_own_words_count_and_its_pods_do_not() -> None:
    crashing = made(container(ended(7), restarts=9))
    assert judged(crashing, pod_readiness="ignore", assumed=True).state == "ok"
    waits = judged(conditions=(condition("Ready", "False", message="no quorum"),), pod_readiness="ignore", assumed=True)
    assert (waits.state, waits.waits[0].text) == ("pending", "Widget/one (no quorum)")
    stuck = judged(conditions=(condition("Stalled", message="bad spec"),), pod_readiness="ignore", assumed=True)
    assert (stuck.state, stuck.findings[0].rule) == ("error", "stalled")


def test_where_readiness_is_said_to_be_ignored_its_own_words_are_too() -> None:
    words = (condition("Ready", "False"), condition("Stalled"))
    assert judged(conditions=words, pod_readiness="ignore").state == "ok"


def test_a_deployment_among_what_is_assumed_to_have_no_pods_is_waited_for() -> None:
    web = applied("Deployment")
    shown = shows(seen(web, {"observedGeneration": 3}), pods=(pod(container(ended(7), restarts=9)),))
    found = runtime(Deployed((web,), shown, pod_readiness="ignore", assumed=True), Budgets(), NOW)
    assert found.findings[0].rule == "crash-loop"
