from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from upright.controllers.verdict.budgets import Budgets
from upright.controllers.verdict.compose import Composed, composed
from upright.openapi.v1alpha1.docker_compose_service import ComposeContainer, DockerContainerState

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def container(
    status: str = "running",
    *,
    code: int = 0,
    health: str = "",
    since: float = 10,
    restarts: int = 0,
    error: str = "",
    name: str = "shop-web-1",
) -> ComposeContainer:
    state = DockerContainerState(
        status=status,
        running=status in {"running", "paused"},
        error=error,
        exit_code=code,
        started_at=ago(since),
        finished_at=None if status == "running" else ago(1),
        health_status=health,
    )
    said = "connection refused" if health == "unhealthy" else ""
    return ComposeContainer(id=name, name=name, image="web:1", state=state, restarts=restarts, health_output=said)


def seen(*containers: ComposeContainer, replicas: int = 1, completes: bool = False, busy: bool = False) -> Composed:
    return Composed("web", containers, replicas, completes=completes, busy=busy)


@pytest.mark.parametrize(
    ("known", "word"),
    [
        (seen(), "pending"),
        (seen(container("created")), "pending"),
        (seen(container(since=1)), "pending"),
        (seen(container(since=2)), "ok"),
        (seen(container(since=9, restarts=1)), "pending"),
        (seen(container(since=10, restarts=1)), "ok"),
        (seen(container("paused")), "ok"),
        (seen(container(health="starting")), "pending"),
        (seen(container(health="healthy", since=0)), "ok"),
        (seen(container(health="unhealthy")), "error"),
        (seen(container(health="unhealthy"), busy=True), "pending"),
        (seen(container("exited")), "ok"),
        (seen(container("exited", code=7)), "error"),
        (seen(container("exited", code=7), busy=True), "error"),
        (seen(container("dead")), "error"),
        (seen(container("created", error="exec: not found")), "error"),
        (seen(container(), completes=True), "pending"),
        (seen(container("exited"), completes=True), "ok"),
        (seen(container("restarting", code=3, restarts=2)), "pending"),
        (seen(container("restarting", code=3, restarts=3)), "error"),
        (seen(container("restarting", code=3, restarts=3), busy=True), "pending"),
        (seen(container("restarting", code=3, restarts=5), busy=True), "error"),
        (seen(container(), replicas=2), "pending"),
        (seen(container(), container(name="shop-web-2"), replicas=2), "ok"),
        (seen(container("exited", code=1), container(name="shop-web-2"), replicas=2), "error"),
        (seen(replicas=0), "ok"),
    ],
)
def test_a_service_is_as_its_containers_are(known: Composed, word: str) -> None:
    assert composed(known, Budgets(), NOW).state == word


def test_what_fails_is_named_with_its_container_and_why() -> None:
    (found,) = composed(seen(container("exited", code=7)), Budgets(), NOW).findings
    assert (found.rule, found.path) == ("container-exited", ("service web", "container shop-web-1"))
    assert (found.message, found.exit_code, found.since) == ("exited with code 7", 7, ago(1))
    assert found.log_of == ("", "")
    (sick,) = composed(seen(container(health="unhealthy")), Budgets(), NOW).findings
    assert sick.message == "its health check fails: connection refused"


def test_of_several_containers_the_one_that_failed_is_named() -> None:
    known = seen(container(), container("exited", code=1, name="shop-web-2"), replicas=2)
    (found,) = composed(known, Budgets(), NOW).findings
    assert found.log_of == ("", "shop-web-2")


def test_a_server_without_a_health_check_is_looked_at_again_when_it_may_be_stable() -> None:
    found = composed(seen(container(since=0.5)), Budgets(), NOW)
    assert found.after == NOW + timedelta(seconds=1.5)
    assert [wait.text for wait in found.waits] == ["container shop-web-1 to have run for 2s"]


def test_crashes_while_others_come_up_are_not_held_against_it_later() -> None:
    busy = composed(seen(container("restarting", code=1, restarts=3), busy=True), Budgets(), NOW)
    calm = replace(seen(container("restarting", code=1, restarts=5)), tolerated=busy.tolerated)
    assert busy.tolerated == {"shop-web-1": 3}
    assert composed(replace(calm, containers=(container("restarting", restarts=4),)), Budgets(), NOW).state == "pending"
    assert composed(calm, Budgets(), NOW).state == "error"


def test_a_service_that_was_ready_once_may_crash_less_often() -> None:
    known = replace(seen(container("restarting", code=1, restarts=2)), once_ready=True)
    assert composed(known, Budgets(), NOW).state == "error"


def test_a_one_shot_is_complete_and_a_server_is_not() -> None:
    assert composed(seen(container("exited")), Budgets(), NOW).complete
    assert not composed(seen(container()), Budgets(), NOW).complete


def test_a_service_has_started_before_it_is_healthy() -> None:
    assert composed(seen(container(health="starting")), Budgets(), NOW).started
    assert not composed(seen(container("created")), Budgets(), NOW).started


def test_a_health_check_that_failed_while_others_came_up_counts_when_they_are_there() -> None:
    busy = composed(seen(container(health="unhealthy"), busy=True), Budgets(), NOW)
    assert list(busy.excused.values()) == [None]
    calm = replace(seen(container(health="unhealthy")), excused=busy.excused)
    assert composed(calm, Budgets(), NOW).state == "error"
