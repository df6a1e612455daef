"""Whole runs in virtual time: never green while something is ill, never red for what recovers, always over, always the same."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.simulator.playing import play
from tests.simulator.shrinking import shrunk
from tests.simulator.stories import Faults, PodStory, ResourceStory, Story, story
from upright.controllers import session_decision
from upright.controllers.verdict import serving_pods
from upright.controllers.verdict import session as session_rules
from upright.controllers.verdict.budgets import Budgets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from upright.controllers.verdict.session import Decision, Observed
    from upright.openapi.v1alpha1.kubernetes_discovery import Container
    from upright.openapi.v1alpha1.session import SessionSpec

MANY = 1000
"""So many take less than a minute and a half, also on a machine that has other things to do."""


def broken(seeds: Iterable[int]) -> list[str]:
    found = ((seed, play(story(seed)).problems) for seed in seeds)
    return [f"seed {seed}: {'; '.join(problems)}" for seed, problems in found if problems]


def web(**pod: object) -> Story:
    """Return the story of one Deployment with one pod."""
    one = PodStory(**pod)  # type: ignore[arg-type]  # PodStory's fields
    return Story(1, (ResourceStory("web", "Deployment", pods=(one,)),))


def test_no_promise_is_broken_in_some_runs() -> None:
    assert broken(range(24)) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_promise_is_broken_in_very_many_runs() -> None:
    assert broken(range(1000, 1000 + MANY)) == []


def test_the_same_seed_comes_to_the_same_verdict() -> None:
    assert [play(story(seed)) for seed in range(100, 103)] == [play(story(seed)) for seed in range(100, 103)]


def test_what_recovers_within_its_budget_is_green_and_what_does_not_is_red() -> None:
    assert play(web(crashes=2, crash_after=0.5)).state == "healthy"
    assert play(web(crashes=1000, crash_after=0.5)).exit_code == 1
    assert play(web(missing=4.0)).state == "healthy"
    assert play(web(missing=float("inf"))).exit_code == 1


def test_what_was_not_seen_before_a_restart_nor_after_it_is_not_red() -> None:
    unseen = replace(web(schedule=4.0), faults=Faults(outages=((2.0, 40.0),), restarts=(3.1, 30.0)))
    assert play(unseen).state == "healthy"


# each promise can be seen to be broken


def test_a_verdict_without_stability_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(container: Container, stable_for: timedelta) -> datetime | None:
        running = container.state.running
        return running.started_at if running is not None and container.ready else None

    monkeypatch.setattr("upright.controllers.verdict.serving_pods.stable_at", at_once)
    assert "green while web was not well" in play(web(crashes=1000, crash_after=1.2)).problems


def test_a_verdict_between_two_crashes_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    crashing = web(crashes=1000, crash_after=4.0).resources[0]
    slow = ResourceStory("slow", "local", seconds=6.9)  # it ends when the second life has lasted for over two seconds
    honest = play(Story(1, (crashing, slow)))
    assert (honest.exit_code, honest.problems) == (1, ())

    def any_two_seconds(container: Container, stable_for: timedelta) -> timedelta:
        return timedelta() if container.probed else stable_for

    monkeypatch.setattr("upright.controllers.verdict.crashes.must_run", any_two_seconds)
    assert "green while web was not well" in play(Story(1, (crashing, slow))).problems


def test_a_budget_of_one_crash_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    plain: Callable[..., Budgets] = Budgets

    def strict(*limits: object) -> Budgets:
        return plain(crash_budget=1)

    monkeypatch.setattr("upright.controllers.resource_decision.in_force", strict)
    assert play(web(crashes=2, crash_after=0.5)).problems[0].startswith("red before it was just: web: Deployment/web")


def test_a_run_that_never_ends_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = session_rules.decide

    def undecided(spec: SessionSpec, seen: Observed, now: datetime) -> Decision:
        return replace(whole(spec, seen, now), state="pending", after=None)

    monkeypatch.setattr(session_decision, "decide", undecided)
    assert play(web()).problems == ("it did not end",)


def test_a_verdict_that_depends_on_more_than_the_story_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, whole = count(), session_rules.decide

    def moody(spec: SessionSpec, seen: Observed, now: datetime) -> Decision:
        return replace(whole(spec, seen, now), reason=f"the call number {next(calls)}")

    monkeypatch.setattr(session_decision, "decide", moody)
    assert play(web()) != play(web())


def test_a_story_that_breaks_a_promise_is_told_as_small_as_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_pods, "stable_at", lambda container, _: container.state.running.started_at)
    beside = ResourceStory("beside", "local", seconds=0.1)
    long = Story(1, (beside, *web().resources), Faults(repeats=0.3, cuts=(0.4,)))
    assert play(long).problems
    assert shrunk(long) == web()


@pytest.mark.parametrize("skew", [-3600.0, -7.0, 7.0, 3600.0])
def test_a_cluster_whose_clock_is_wrong_changes_no_verdict(skew: float) -> None:
    waits, loops = (replace(web(**pod), faults=Faults(skew=skew)) for pod in ({"schedule": 11.0}, {"crashes": 1000}))
    assert play(waits).state == "healthy"
    assert play(loops).exit_code == 1


def test_dates_that_are_taken_for_our_own_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("upright.controllers.cluster_time.SAME", timedelta(days=1))
    behind = replace(web(schedule=11.0), faults=Faults(skew=-90.0))
    assert play(behind).problems[0].startswith("red before it was just: web: Deployment/web")


def widget(*pods: PodStory, **more: object) -> Story:
    """Return the story of one custom resource with these pods."""
    return Story(1, (ResourceStory("one", "Widget", pods=pods, **more),))  # type: ignore[arg-type]  # ResourceStory's fields


def test_the_pods_of_a_custom_resource_count_at_whatever_depth() -> None:
    assert play(widget(PodStory())).state == "healthy"
    assert play(widget(PodStory(), PodStory(crashes=1000, crash_after=0.5))).exit_code == 1
    assert play(widget(PodStory(probed=True, ready_after=9.0), says=True)).state == "healthy"


def test_a_custom_resource_that_passes_for_ready_without_its_pods_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> bool:
        return False

    monkeypatch.setattr("upright.controllers.verdict.runtime._lacks_pods", none)
    assert play(widget(PodStory())).problems == ("green while one was not well",)


def test_owners_that_are_not_followed_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        return None

    monkeypatch.setattr("upright.controllers.sight.Sight.follow_owners", none)
    assert play(widget(PodStory())).state != "healthy"
