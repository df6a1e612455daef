"""Limits: the nearest word counts, and what nobody said is the default."""

from __future__ import annotations

from datetime import timedelta

from upright.controllers.verdict.budgets import Budgets, in_force, of_run, with_custom_resources
from upright.openapi.v1alpha1.limits import Limits
from upright.openapi.v1alpha1.session import SessionCISpec, SessionSpec
from upright.openapi.v1alpha1.tiltfile import CISettings


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def session(limits: Limits | None = None, readiness: timedelta | None = None) -> SessionSpec:
    ci = SessionCISpec(readiness_timeout=readiness)
    return SessionSpec(tiltfile_path="/Tiltfile", ci=ci, limits=limits or Limits())


def test_the_defaults_are_the_documented_ones() -> None:
    found = in_force()
    assert found == Budgets()
    assert (found.crash_budget, found.stable_for, found.missing_ref_timeout) == (3, seconds(2), seconds(5))
    assert (found.unschedulable_timeout, found.pods_timeout, found.sight_timeout) == (
        seconds(15),
        seconds(5),
        seconds(60),
    )


def test_the_first_that_says_something_counts() -> None:
    found = in_force(Limits(crash_budget=1), Limits(crash_budget=9, stable_for=seconds(4)))
    assert (found.crash_budget, found.stable_for) == (1, seconds(4))


def test_nothing_is_a_word_too() -> None:
    assert in_force(Limits(crash_budget=0, stable_for=seconds(0)), Limits(crash_budget=9)).crash_budget == 0


def test_ci_settings_overrule_the_session() -> None:
    said = CISettings(limits=Limits(crash_budget=7))
    assert of_run(session(Limits(crash_budget=2, stable_for=seconds(1))), said) == Limits(
        crash_budget=7, stable_for=seconds(1)
    )


def test_tilts_readiness_timeout_is_the_limit_of_being_ready() -> None:
    assert of_run(session(readiness=seconds(300)), None).ready_timeout == seconds(300)
    assert of_run(session(readiness=seconds(300)), CISettings()).ready_timeout == seconds(300)
    said = CISettings(readiness_timeout=seconds(20))
    assert of_run(session(readiness=seconds(300)), said).ready_timeout == seconds(20)
    own = CISettings(readiness_timeout=seconds(20), limits=Limits(ready_timeout=seconds(9)))
    assert of_run(session(readiness=seconds(300)), own).ready_timeout == seconds(9)


def test_without_a_session_there_are_no_limits() -> None:
    assert of_run(None, None) == Limits()


def test_what_is_missing_has_a_minute_where_custom_resources_may_make_it() -> None:
    assert with_custom_resources(Budgets()).missing_ref_timeout == seconds(60)
    said = Budgets(missing_ref_timeout=seconds(8))
    assert with_custom_resources(said) == said
