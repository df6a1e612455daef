from __future__ import annotations

import pytest

from tests.controllers.node.pods import at, ended, not_started, pod, running, seen
from upright.controllers.node.backoff import crash_wait, next_backoff
from upright.controllers.node.pod_plan import Prepare, Remove, Start, Step, Wait, plan
from upright.controllers.node.sight import ContainerSight, Problem, Seen


def steps(what: Seen, *, now: float = 0, **spec: object) -> list[Step]:
    return plan(pod(**spec).spec, what, at(now))  # type: ignore[arg-type]  # each names an argument of its own type


def test_address_and_volumes_come_first() -> None:
    assert steps(Seen()) == [Prepare()]


def test_a_missing_volume_is_tried_again_after_a_while() -> None:
    stuck = Seen(problems={"": Problem("FailedMount", "configmap not found", at(0))})
    assert steps(stuck, now=3) == [Wait(at(10))]
    assert steps(stuck, now=10) == [Prepare()]


def test_init_containers_run_one_after_the_other() -> None:
    inits = ("one", "two")
    assert steps(seen(), inits=inits) == [Start("one", 0, 0.0)]
    assert steps(seen(running("one")), inits=inits) == []
    assert steps(seen(ended("one", 0)), inits=inits) == [Start("two", 0, 0.0)]
    assert steps(seen(ended("one", 0), ended("two", 0)), inits=inits) == [Start("web", 0, 0.0)]


def test_main_containers_start_together() -> None:
    assert steps(seen(), mains=("a", "b")) == [Start("a", 0, 0.0), Start("b", 0, 0.0)]


def test_init_containers_are_not_run_again_once_a_main_container_ran() -> None:
    assert steps(seen(running("web")), inits=("one",)) == []


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [
        ("Always", 0, True),
        ("Always", 1, True),
        ("OnFailure", 0, False),
        ("OnFailure", 1, True),
        ("Never", 0, False),
        ("Never", 1, False),
    ],
)
def test_the_restart_policy_says_who_runs_again(policy: str, code: int, again: bool) -> None:
    expected = [Start("web", 1, 10.0)] if again else []
    assert steps(seen(ended(code=code)), policy=policy, now=1) == expected


@pytest.mark.parametrize(("policy", "again"), [("Always", True), ("OnFailure", True), ("Never", False)])
def test_a_failed_init_container_runs_again_unless_never(policy: str, again: bool) -> None:
    assert bool(steps(seen(ended("one", 7)), inits=("one",), policy=policy, now=1)) is again


@pytest.mark.parametrize(
    ("backoff", "wait", "then"), [(0, 0, 10), (10, 10, 20), (20, 20, 40), (160, 160, 300), (300, 300, 300)]
)
def test_the_wait_doubles_up_to_five_minutes(backoff: float, wait: float, then: float) -> None:
    last = ended(backoff=backoff, lived=5)
    assert (crash_wait(last), next_backoff(last)) == (wait, then)


def test_a_container_that_ran_over_ten_minutes_starts_anew() -> None:
    last = ended(backoff=300, lived=601)
    assert (crash_wait(last), next_backoff(last)) == (0, 10)


def test_a_crashed_container_waits_its_backoff() -> None:
    what = seen(ended(attempt=1, backoff=10, lived=2))
    assert steps(what, now=5) == [Wait(at(12))]
    assert steps(what, now=12) == [Start("web", 2, 20.0)]


def test_a_container_that_cannot_be_started_counts_as_a_crash() -> None:
    assert steps(seen(not_started())) == [Start("web", 1, 10.0)]
    assert steps(seen(not_started(attempt=1, backoff=10)), now=4) == [Wait(at(10))]


def test_a_container_on_its_way_is_left_alone() -> None:
    created = ContainerSight("w", "web", 0, 0.0, "created", at(0))
    assert steps(seen(created)) == []


@pytest.mark.parametrize(
    ("reason", "tries", "wait"),
    [
        ("ErrImagePull", 1, 10),
        ("ErrImagePull", 3, 40),
        ("ErrImagePull", 9, 300),
        ("CreateContainerConfigError", 5, 10),
    ],
)
def test_what_stood_in_the_way_is_tried_again(reason: str, tries: int, wait: float) -> None:
    what = seen(problems={"web": Problem(reason, "why", at(0), tries)})
    assert steps(what, now=1) == [Wait(at(wait))]
    assert steps(what, now=wait) == [Start("web", 0, 0.0)]


def test_only_the_newest_attempt_and_the_one_before_are_kept() -> None:
    what = seen(running(attempt=3), ended(attempt=2), ended(attempt=1), ended(attempt=0))
    assert steps(what) == [Remove("web-1"), Remove("web-0")]
