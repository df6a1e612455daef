"""A server has its time to become ready, from when it was ready last or from its start; a job takes what it takes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.controllers.verdict.cases import NOW, ago
from upright.controllers.verdict.lateness import lateness
from upright.controllers.verdict.serving_pods import Wait
from upright.openapi.v1alpha1.session import Target, TargetActive, TargetState, TargetWaiting

LIMIT = timedelta(minutes=5)


def target(kind: str = "server", **active: object) -> Target:
    state = TargetState(active=TargetActive.model_validate(active))
    return Target.model_validate({"name": "web:runtime", "type": kind, "resources": ("web",), "state": state})


@pytest.mark.parametrize(
    ("one", "due_seconds_ago"),
    [
        (target(start_time=ago(301)), 1),
        (target(start_time=ago(200)), -100),
        (target(start_time=ago(301), last_ready_time=ago(100)), -200),
        (target(start_time=ago(301), ready=True), None),
        (target("job", start_time=ago(9999)), None),
        (target(), None),
    ],
)
def test_a_server_is_late_after_its_time(one: Target, due_seconds_ago: float | None) -> None:
    found = lateness(one, LIMIT, ())
    assert (found.due if found else None) == (None if due_seconds_ago is None else ago(due_seconds_ago))
    assert found is None or found.is_red(NOW) is (due_seconds_ago is not None and due_seconds_ago >= 0)


def test_what_has_not_begun_is_not_late() -> None:
    state = TargetState(waiting=TargetWaiting(wait_reason="waiting-for-pod"))
    idle = Target(name="web:runtime", type="server", resources=("web",), state=state)
    assert lateness(idle, LIMIT, ()) is None


def test_what_was_deployed_and_never_began_is_late_after_its_time() -> None:
    state = TargetState(waiting=TargetWaiting(wait_reason="waiting-for-pod"))
    idle = Target.model_validate({"name": "web:runtime", "type": "server", "resources": ("web",), "state": state})
    found = lateness(idle, LIMIT, (Wait("Widget/one (no quorum)"),), ago(301))
    assert found is not None
    assert found.is_red(NOW)
    assert found.message == (
        "Readiness timeout after 5m0s: target web:runtime not ready: it waits for Widget/one (no quorum)"
    )
    ended = target("job", start_time=ago(1))
    assert lateness(ended, LIMIT, (), ago(9999)) is None


@pytest.mark.parametrize("limit", [None, timedelta()])
def test_without_a_limit_nothing_is_late(limit: timedelta | None) -> None:
    assert lateness(target(start_time=ago(9999)), limit, ()) is None


def test_it_is_told_what_was_waited_for_and_where() -> None:
    wait = Wait("container web of Pod/web-1 to be ready", ("Pod/web-1", "container web"), ("web-1", "web"))
    found = lateness(target(start_time=ago(301)), LIMIT, (wait, Wait("more")))
    assert found
    assert found.message == (
        "Readiness timeout after 5m0s: target web:runtime not ready: it waits for container web of Pod/web-1 to be ready"
    )
    assert (found.path, found.log_of, found.recoverable) == (wait.path, ("web-1", "web"), True)
