"""Pods that cannot be created are told of the kinds too that have no condition for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.controllers.verdict.cases import NOW, applied, condition, event, later, seen, shows
from upright.controllers.verdict.budgets import Budgets
from upright.controllers.verdict.runtime import Deployed, runtime

BUDGETS = Budgets()
FORBIDDEN = 'pods "db-0" is forbidden: error looking up service account default/absent: not found'
REFUSED = event("FailedCreate", FORBIDDEN, uid="d1")
CREATED = event("SuccessfulCreate", "create Pod db-0 in StatefulSet db successful", uid="d1")
KINDS = [("StatefulSet", "apps/v1"), ("DaemonSet", "apps/v1"), ("Job", "batch/v1")]


def refused(kind: str, version: str, *events: object, status: object = None) -> Deployed:
    one = applied(kind, version, name="db")
    fields = status or {"observedGeneration": 3, "desiredNumberScheduled": 1}
    return Deployed(applied=(one,), seen=shows(seen(one, fields), events=events))


@pytest.mark.parametrize(("kind", "version"), KINDS)
def test_a_refusal_that_lasts_is_red_with_its_words(kind: str, version: str) -> None:
    deployed = refused(kind, version, REFUSED)
    first = runtime(deployed, BUDGETS, NOW)
    assert (first.state, first.after) == ("pending", later(5))
    then = runtime(replace(deployed, excused=first.excused), BUDGETS, later(5))
    assert then.state == "error"
    assert (then.findings[0].rule, then.findings[0].path) == ("pods-refused", (f"{kind}/db",))
    assert FORBIDDEN in then.findings[0].message


def test_a_pod_that_was_created_since_then_ends_it() -> None:
    assert not runtime(refused("StatefulSet", "apps/v1", REFUSED, CREATED), BUDGETS, later(60)).findings


def test_a_job_that_is_complete_is_not_asked() -> None:
    done = {"conditions": [condition("Complete")]}
    assert runtime(refused("Job", "batch/v1", REFUSED, status=done), BUDGETS, later(60)).state == "ok"


def test_what_is_missing_may_still_be_made_while_others_come_up() -> None:
    deployed = replace(refused("StatefulSet", "apps/v1", REFUSED), busy=True)
    assert runtime(deployed, BUDGETS, later(60)).state == "pending"
