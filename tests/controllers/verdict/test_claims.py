"""Volume claims that cannot be bound are told as soon as it is known that waiting does not help."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.controllers.verdict.cases import NOW, applied, event, later, seen, shows
from upright.controllers.verdict.budgets import Budgets
from upright.controllers.verdict.runtime import Deployed, runtime

BUDGETS = Budgets()
NO_CLASS = event("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found', uid="d1")


def claim(*events: object, phase: str = "Pending", busy: bool = False) -> Deployed:
    one = applied("PersistentVolumeClaim", "v1", name="data")
    return Deployed(applied=(one,), seen=shows(seen(one, {"phase": phase}), events=events), busy=busy)


def test_a_missing_class_is_red_in_the_time_of_missing_references() -> None:
    first = runtime(claim(NO_CLASS), BUDGETS, NOW)
    assert (first.state, first.after) == ("pending", later(5))
    then = runtime(replace(claim(NO_CLASS), excused=first.excused), BUDGETS, later(5))
    assert then.state == "error"
    found = then.findings[0]
    assert (found.rule, found.path) == ("missing-reference", ("PersistentVolumeClaim/data",))
    assert found.message == 'cannot be bound: storageclass.storage.k8s.io "fast" not found'


@pytest.mark.parametrize(
    "deployed",
    [
        claim(event("FailedBinding", "no persistent volumes available for this claim", uid="d1")),
        claim(event("ProvisioningFailed", "failed to provision volume: rpc error: timeout", uid="d1")),
        claim(NO_CLASS, event("ExternalProvisioning", "waiting for a volume to be created", uid="d1")),
        claim(NO_CLASS, busy=True),
        claim(),
    ],
    ids=["no volume yet", "to be tried again", "on its way", "others come up", "no event"],
)
def test_what_may_still_come_is_waited_for(deployed: Deployed) -> None:
    assert runtime(deployed, BUDGETS, later(60)).state == "pending"


def test_a_bound_claim_is_ready_whatever_was_said_before() -> None:
    assert runtime(claim(NO_CLASS, phase="Bound"), BUDGETS, later(60)).state == "ok"
