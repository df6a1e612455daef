"""The run ends when it is decided: well, failed, out of time or blind; and says why, root causes first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.controllers.verdict.cases import NOW, ago, later
from upright.controllers.verdict.session import Decision, Observed, decide, one_line, with_grace
from upright.openapi.v1alpha1.failure import Failure
from upright.openapi.v1alpha1.limits import Limits
from upright.openapi.v1alpha1.session import (
    SessionCISpec,
    SessionSpec,
    Target,
    TargetActive,
    TargetDisabled,
    TargetState,
    TargetTerminated,
    TargetWaiting,
)

if TYPE_CHECKING:
    from datetime import datetime

HALF_AN_HOUR = timedelta(minutes=30)
DONE = TargetState(terminated=TargetTerminated())
READY = TargetState(active=TargetActive(ready=True))
ACTIVE = TargetState(active=TargetActive(start_time=ago(10)))
OFF = TargetState(disabled=TargetDisabled())
IDLE = TargetState()


def waiting(reason: str) -> TargetState:
    return TargetState(waiting=TargetWaiting(wait_reason=reason))


def broken(error: str = "boom") -> TargetState:
    return TargetState(terminated=TargetTerminated(error=error, finish_time=ago(1)))


def target(name: str, state: TargetState) -> Target:
    kind = "job" if name.endswith(":update") else "server"
    return Target.model_validate({"name": name, "type": kind, "resources": (name.rpartition(":")[0],), "state": state})


def failure(resource: str, *, seconds: float = 1.0, part: str = "runtime", **more: object) -> Failure:
    fields: dict[str, object] = {"rule": "crash-loop", "message": "exited with code 7, 3 times", "since": ago(seconds)}
    return Failure.model_validate({"resource": resource, "target": f"{resource}:{part}"} | fields | more)


def spec(*, never: bool = False, limits: Limits | None = None, **ci: timedelta | None) -> SessionSpec:
    return SessionSpec(
        tiltfile_path="/Tiltfile",
        fail_fast="never" if never else "first",
        ci=SessionCISpec.model_validate({"timeout": HALF_AN_HOUR, **ci}),
        limits=limits or Limits(),
    )


def seen(targets: dict[str, TargetState], *failures: Failure, **more: object) -> Observed:
    shown = [target("tiltfile:update", DONE), *(target(name, state) for name, state in targets.items())]
    fields: dict[str, object] = {"targets": shown, "failures": failures, "started": ago(60), "tiltfile_done": True}
    return Observed(**(fields | more))  # type: ignore[arg-type]  # Observed's fields


def ends(found: Decision) -> tuple[str, int | None]:
    return found.state, found.exit_code


PENDING = ("pending", None)
HEALTHY = ("healthy", 0)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"web:update": DONE, "web:runtime": READY}, HEALTHY),
        ({"web:update": DONE, "migrate:runtime": DONE}, HEALTHY),
        ({"web:update": DONE, "web:runtime": ACTIVE}, PENDING),
        ({"web:update": ACTIVE}, PENDING),
        ({"web:update": waiting("waiting-for-dep")}, PENDING),
        ({"web:update": DONE, "web:runtime": waiting("waiting-for-pod")}, PENDING),
        ({"web:update": DONE, "off:update": OFF, "off:serve": OFF}, HEALTHY),
        ({"web:update": DONE, "asked-for:update": IDLE}, HEALTHY),
        ({"web:update": OFF}, HEALTHY),
        ({}, PENDING),
    ],
)
def test_a_run_is_healthy_when_nothing_is_waited_for(
    states: dict[str, TargetState], expected: tuple[str, int | None]
) -> None:
    assert ends(decide(spec(), seen(states), NOW)) == expected


def test_it_is_not_healthy_before_all_resources_are_known() -> None:
    assert ends(decide(spec(), seen({"web:update": DONE}, tiltfile_done=False), NOW)) == PENDING


def test_a_failure_ends_the_run_at_once() -> None:
    found = decide(spec(), seen({"web:runtime": broken(), "api:update": ACTIVE}, failure("web", path=("Pod/x",))), NOW)
    assert ends(found) == ("failed", 1)
    assert found.reason == "web: Pod/x: exited with code 7, 3 times"


def test_a_target_that_failed_without_a_card_is_never_taken_for_well() -> None:
    found = decide(spec(), seen({"web:update": broken("boom")}), NOW)
    assert (ends(found), found.reason) == (("failed", 1), "web: boom")


def test_a_wrong_tiltfile_ends_the_run_with_its_place() -> None:
    told = "Traceback (most recent call last):\n  /p/Tiltfile:3:7: in <toplevel>\nError: local_resource: missing cmd"
    observed = seen({}, failure("web"), tiltfile_error=told, tiltfile_done=False)
    found = decide(spec(), observed, NOW)
    assert (ends(found), found.reason) == (("failed", 5), "/p/Tiltfile:3:7: local_resource: missing cmd")


def test_a_resource_name_that_is_not_there_is_wrong_usage() -> None:
    assert ends(decide(spec(), seen({}, tiltfile_error="no such resource", wrong_usage=True), NOW)) == ("failed", 2)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("Error: nothing here", "nothing here"),
        ("no such file", "no such file"),
        ("  /a:1:1: in x\n  /b:2:2: in y\nError in fail: a\n b", "/b:2:2: a b"),
        ("  /a:1:1: in x\nError in fail: saw Error: in it", "/a:1:1: saw Error: in it"),
    ],
)
def test_a_tiltfiles_error_is_told_in_one_line(error: str, line: str) -> None:
    assert one_line(error) == line


def test_of_several_errors_of_a_tiltfile_the_first_is_told_and_the_rest_counted() -> None:
    first, second = (
        "/p/Tiltfile:2:1:\n    foo()\n    ^^^\nError: undefined: foo",
        "/p/x:1:5:\n    bar\n    ^^^\nError: undefined: bar",
    )
    assert one_line(f"{first}\n\n{second}") == "/p/Tiltfile:2:1: undefined: foo (and 1 more error)"
    assert one_line(f"{first}\n\n{second}\n\n… and 4 more errors").endswith("undefined: foo (and 5 more errors)")
    assert one_line(f"{first}\nstdout:\n\nstderr:\n\n") == "/p/Tiltfile:2:1: undefined: foo stdout: stderr:"


# several failures


def test_all_failures_are_told_with_root_causes_first() -> None:
    observed = seen(
        {},
        failure("web", seconds=9),
        failure("late", seconds=1),
        failure("db", seconds=5),
        held_back={"web": ("db",), "smoke": ("db", "web")},
    )
    found = decide(spec(), observed, NOW)
    assert [one.resource for one in found.failures] == ["db", "late", "web"]
    assert [one.held_back for one in found.failures] == [("smoke", "web"), (), ("smoke",)]
    assert found.reason == "db: exited with code 7, 3 times (and 2 more)"


# letting the rest finish


HELD = {"smoke": ("web",)}


@pytest.mark.parametrize(
    ("states", "more", "expected"),
    [
        ({"web:runtime": broken(), "api:runtime": ACTIVE}, {}, PENDING),
        ({"web:runtime": broken(), "api:runtime": READY}, {}, ("failed", 1)),
        ({"web:runtime": broken(), "smoke:update": waiting("waiting-for-dep")}, {"held_back": HELD}, ("failed", 1)),
        (
            {"web:runtime": broken(), "my tests:update": waiting("x")},
            {"held_back": {"my tests": ("web",)}},
            ("failed", 1),
        ),
        ({"web:runtime": broken(), "web:update": ACTIVE}, {}, ("failed", 1)),
        ({"web:runtime": broken()}, {"tiltfile_done": False}, PENDING),
        ({"web:runtime": broken(), "api:runtime": ACTIVE}, {"started": ago(1801)}, ("failed", 1)),
        (
            {"web:runtime": broken(), "api:runtime": ACTIVE},
            {"cluster_needed": True, "cluster_error": "gone"},
            ("failed", 1),
        ),
    ],
)
def test_with_never_the_rest_is_let_finish_first(
    states: dict[str, TargetState], more: dict[str, object], expected: tuple[str, int | None]
) -> None:
    found = decide(spec(never=True), seen(states, failure("web"), **more), NOW)
    assert ends(found) == expected
    assert [one.resource for one in found.failures] == ["web"]


# the grace period


def graced(one: Failure, now: datetime = NOW, **states: TargetState) -> Decision:
    shown = {"web:update": DONE, "web:runtime": broken(), **states}
    observed = seen(shown, one, deployed_at={"web": ago(50)})
    return decide(spec(k8s_grace_period=timedelta(seconds=60)), observed, now)


def test_a_failure_within_the_grace_period_is_tolerated() -> None:
    found = graced(failure("web", recoverable=True))
    assert ends(found) == PENDING
    assert (found.after, found.grace) == (later(10), {"web:runtime": "Tolerated"})


def test_after_the_grace_period_it_counts() -> None:
    found = graced(failure("web", recoverable=True), later(20))
    assert ends(found) == ("failed", 1)
    assert found.reason == "web: exceeded grace period: exited with code 7, 3 times"
    (shown,) = with_grace([target("web:runtime", broken())], found.grace)
    assert shown.state.terminated
    assert shown.state.terminated.grace_status == "Exceeded"


def test_what_can_never_recover_has_no_grace() -> None:
    assert graced(failure("web", recoverable=False)).reason == "web: exited with code 7, 3 times"


def test_a_failed_update_has_no_grace() -> None:
    assert ends(graced(failure("web", part="update", recoverable=True))) == ("failed", 1)


def test_grace_is_said_of_no_other_target() -> None:
    whole = target("web:runtime", READY)
    assert with_grace([whole], {"web:runtime": "Tolerated", "api:runtime": "Exceeded"}) == (whole,)


# time


def test_the_whole_runs_timeout_says_what_it_waited_for_in_tilts_words() -> None:
    states = {
        "a:update": waiting("waiting-for-dep"),
        "b:runtime": waiting("waiting-for-pod"),
        "x:runtime": ACTIVE,
        "y:runtime": broken(),
    }
    observed = seen(states, failure("y", recoverable=True), started=ago(1801), deployed_at={"y": ago(5)})
    found = decide(spec(k8s_grace_period=timedelta(hours=1)), observed, NOW)
    assert ends(found) == ("timeout", 124)
    assert found.reason == (
        "Timeout after 30m0s: 2 resources waiting (a:update waiting-for-dep,b:runtime waiting-for-pod), "
        "1 resources not ready (x:runtime), 1 resources retrying (y:runtime)"
    )
    assert [one.resource for one in found.failures] == ["y"]


def test_time_is_out_only_when_it_is_over() -> None:
    states = {"web:runtime": ACTIVE}
    on_time = decide(spec(), seen(states, started=ago(1800)), NOW)
    assert ends(on_time) == PENDING
    assert on_time.after is not None
    assert ends(decide(spec(), seen(states, started=ago(1800)), on_time.after)) == ("timeout", 124)


def test_a_run_that_is_healthy_is_healthy_also_when_time_is_out() -> None:
    assert ends(decide(spec(), seen({"web:runtime": READY}, started=ago(9999)), NOW)) == HEALTHY


def test_a_failure_counts_more_than_time() -> None:
    assert ends(decide(spec(), seen({}, failure("web"), started=ago(9999)), NOW)) == ("failed", 1)


def test_no_timeout_is_none() -> None:
    found = decide(spec(timeout=None), seen({"web:runtime": ACTIVE}, started=ago(99999)), NOW)
    assert (ends(found), found.after) == (PENDING, None)


def test_a_limit_of_the_run_overrules_tilts_timeout() -> None:
    short = spec(limits=Limits(timeout=timedelta(seconds=30)))
    assert decide(short, seen({"web:runtime": ACTIVE}), NOW).reason.startswith("Timeout after 30s: ")


def test_a_readiness_timeout_names_its_target_itself() -> None:
    told = "Readiness timeout after 5m0s: target web:runtime not ready"
    late = failure("web", rule="readiness-timeout", message=told, path=("Pod/web-1",))
    assert decide(spec(), seen({"web:runtime": ACTIVE}, late), NOW).reason == told


# sight


def test_a_cluster_that_cannot_be_reached_is_no_failure_and_no_success() -> None:
    states = {"web:update": DONE, "web:runtime": READY}
    found = decide(spec(), seen(states, cluster_needed=True, cluster_error="no route"), NOW)
    assert (ends(found), found.reason) == (("unknown", 3), "cannot tell: no route")


def test_a_cluster_that_nobody_needs_may_be_gone() -> None:
    assert ends(decide(spec(), seen({"lint:update": DONE}, cluster_error="no route"), NOW)) == HEALTHY


def test_lost_sight_is_waited_for_and_then_told_with_what_was_known() -> None:
    states = {"web:update": DONE, "web:runtime": ACTIVE}
    found = decide(spec(), seen(states, sight_lost_at=ago(59)), NOW)
    assert (ends(found), found.after) == (PENDING, later(1))
    over = decide(spec(), seen(states, sight_lost_at=ago(60)), NOW)
    assert ends(over) == ("unknown", 3)
    assert over.reason == (
        "cannot tell: no sight of the cluster for 1m0s; last known: 1 resources not ready (web:runtime)"
    )


def test_nothing_is_healthy_without_sight() -> None:
    assert ends(decide(spec(), seen({"web:runtime": READY}, sight_lost_at=ago(1)), NOW)) == PENDING


def test_how_long_sight_may_be_lost_can_be_set() -> None:
    patient = spec(limits=Limits(sight_timeout=timedelta(minutes=5)))
    assert ends(decide(patient, seen({"web:runtime": ACTIVE}, sight_lost_at=ago(200)), NOW)) == PENDING


def test_what_is_known_to_have_failed_is_told_also_without_sight() -> None:
    assert ends(decide(spec(), seen({}, failure("web"), sight_lost_at=ago(100)), NOW)) == ("failed", 1)
    assert ends(decide(spec(), seen({}, failure("web"), cluster_needed=True, cluster_error="x"), NOW)) == ("failed", 1)


def test_a_decision_is_the_same_for_the_same_observations() -> None:
    observed = seen({"web:runtime": ACTIVE}, failure("db"), failure("web"))
    assert decide(spec(), observed, NOW) == decide(spec(), observed, NOW)
