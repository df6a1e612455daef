"""A resource's status in Tilt's words: targets and their states, the two statuses, conditions, switches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.controllers.stories import deployment, image, local, shell
from tests.controllers.verdict.cases import NOW, ago, container, later, pod, running
from upright.controllers import resource_status
from upright.controllers.resource_status import Picture, disabled, record, whole
from upright.controllers.serving import Serving
from upright.controllers.verdict.finding import Finding
from upright.controllers.verdict.serving_pods import Wait
from upright.openapi.v1alpha1.resource import BuildRecord, BuildRunning, ResourceStatus, Waiting
from upright.openapi.v1alpha1.session import (
    TargetActive,
    TargetDisabled,
    TargetState,
    TargetTerminated,
    TargetWaiting,
)
from upright.openapi.v1alpha1.triggers import ConfigMapDisableSource, DisableSource

if TYPE_CHECKING:
    from upright.openapi.v1alpha1.resource import Resource
    from upright.openapi.v1alpha1.session import Target

WEB = deployment()
MIGRATE = deployment("migrate", pod_readiness="succeeded")
LINT = local("lint", update="make lint")
DOCS = local("docs", serve=shell("serve"))
SITE = local("site", update="make", serve=shell("serve"))

NOTHING = ResourceStatus()
BUILDING = ResourceStatus(triggered="c1", current_build=BuildRunning(start_time=ago(5), span_id="build:web"))
BUILT = ResourceStatus(
    triggered="c1",
    build_history=(BuildRecord(start_time=ago(9), finish_time=ago(5)),),
    last_deploy_time=ago(5),
)
BROKEN = ResourceStatus(build_history=(BuildRecord(error="boom", start_time=ago(9), finish_time=ago(5)),))
NONE = Serving("none")
HOLD = Waiting(reason="waiting-for-dep")
FAILED = Serving("error", findings=(Finding("x", (), "it broke", ago(3)),), since=ago(8))


def picture(resource: Resource, status: ResourceStatus = BUILT, serving: Serving = NONE, **more: object) -> Picture:
    return replace(Picture(resource, status, serving, NOW, due=False), **more)


def states(found: ResourceStatus) -> dict[str, TargetState]:
    return {target.name: target.state for target in found.targets}


def waiting(reason: str) -> TargetState:
    return TargetState(waiting=TargetWaiting(wait_reason=reason))


# updates


@pytest.mark.parametrize(
    ("one", "word", "state"),
    [
        (picture(LINT, NOTHING, due=True), "pending", waiting("unknown")),
        (picture(LINT, NOTHING, due=True, hold=HOLD), "pending", waiting("waiting-for-dep")),
        (picture(LINT, BUILDING), "in_progress", TargetState(active=TargetActive(start_time=ago(5)))),
        (picture(LINT), "ok", TargetState(terminated=TargetTerminated(start_time=ago(9), finish_time=ago(5)))),
        (
            picture(LINT, BROKEN),
            "error",
            TargetState(terminated=TargetTerminated(start_time=ago(9), finish_time=ago(5), error="boom")),
        ),
        (picture(LINT, NOTHING), "none", TargetState()),
    ],
)
def test_an_update_is_told_as_a_job(one: Picture, word: str, state: TargetState) -> None:
    found = whole(one)
    assert found.update_status == word
    (target,) = found.targets
    assert (target.name, target.type, target.resources, target.state) == ("lint:update", "job", ("lint",), state)


def test_a_server_without_an_update_has_no_update_target() -> None:
    assert list(states(whole(picture(DOCS)))) == ["docs:serve"]
    assert whole(picture(DOCS)).update_status == "not_applicable"
    assert list(states(whole(picture(SITE)))) == ["site:update", "site:serve"]


# servers and pods


UP = Serving("ok", active=True, since=ago(5), opens_the_way=True, pid=42)
PROBING = Serving("pending", (Wait("its readiness probe to pass"),), active=True, since=ago(5), pid=42)


@pytest.mark.parametrize(
    ("one", "word", "state"),
    [
        (picture(SITE, NOTHING, due=True, hold=HOLD), "pending", waiting("waiting-for-dep")),
        (picture(SITE, BUILDING), "pending", waiting("unknown")),
        (picture(SITE, BROKEN), "none", TargetState()),
        (picture(SITE, BUILT, Serving("pending")), "pending", waiting("unknown")),
        (picture(SITE, BUILT, PROBING), "pending", TargetState(active=TargetActive(start_time=ago(5)))),
        (
            picture(SITE, BUILT, UP),
            "ok",
            TargetState(active=TargetActive(start_time=ago(5), ready=True, last_ready_time=NOW)),
        ),
        (
            picture(SITE, BUILT, FAILED),
            "error",
            TargetState(terminated=TargetTerminated(start_time=ago(8), finish_time=ago(3), error="it broke")),
        ),
        (picture(SITE, NOTHING), "none", TargetState()),
    ],
)
def test_a_local_server_is_told_as_a_server(one: Picture, word: str, state: TargetState) -> None:
    found = whole(one)
    assert found.runtime_status == word
    assert found.targets[1].type == "server"
    assert found.targets[1].state == state


@pytest.mark.parametrize(
    ("one", "word", "state"),
    [
        (picture(WEB, NOTHING, due=True), "pending", waiting("unknown")),
        (picture(WEB, BUILT, Serving("pending")), "pending", waiting("waiting-for-pod")),
        (
            picture(WEB, BUILT, Serving("pending", active=True, since=ago(5))),
            "pending",
            TargetState(active=TargetActive(start_time=ago(5))),
        ),
        (
            picture(WEB, BUILT, Serving("ok", active=True, since=ago(5))),
            "ok",
            TargetState(active=TargetActive(start_time=ago(5), ready=True, last_ready_time=NOW)),
        ),
        (
            picture(MIGRATE, BUILT, Serving("ok", complete=True, since=ago(5))),
            "ok",
            TargetState(terminated=TargetTerminated(start_time=ago(5))),
        ),
        (
            picture(WEB, BUILT, FAILED),
            "error",
            TargetState(terminated=TargetTerminated(start_time=ago(8), finish_time=ago(3), error="it broke")),
        ),
        (
            picture(WEB, BUILT, Serving("error", since=ago(8))),
            "error",
            TargetState(terminated=TargetTerminated(start_time=ago(8), error="unknown error")),
        ),
    ],
)
def test_pods_are_told_as_a_runtime(one: Picture, word: str, state: TargetState) -> None:
    found = whole(one)
    assert found.runtime_status == word
    assert states(found)[f"{one.resource.name}:runtime"] == state


def test_what_must_succeed_is_a_job_and_what_must_stay_is_a_server() -> None:
    kinds = {target.name: target.type for one in (WEB, MIGRATE) for target in whole(picture(one)).targets}
    assert kinds == {
        "web:update": "job",
        "web:runtime": "server",
        "migrate:update": "job",
        "migrate:runtime": "job",
    }


IGNORED = deployment("web", pod_readiness="ignore")


@pytest.mark.parametrize(
    ("status", "serving", "shown"),
    [
        (NOTHING, NONE, True),
        (BUILT, Serving("ok"), False),
        (BUILT, Serving("ok", active=True, pods=(pod(),)), True),
        (BUILT, Serving("pending"), True),
    ],
)
def test_where_readiness_is_ignored_and_nothing_runs_there_is_no_runtime(
    status: ResourceStatus, serving: Serving, shown: bool
) -> None:
    assert ("web:runtime" in states(whole(picture(IGNORED, status, serving)))) is shown


# when it was ready


def last_ready(found: ResourceStatus) -> object:
    (target,) = [one for one in found.targets if one.name == "site:serve"]
    return target.state.active.last_ready_time if target.state.active else None


def test_since_when_it_is_ready_stays() -> None:
    first = whole(picture(SITE, BUILT, UP))
    second = whole(picture(SITE, first, UP, now=later(60)))
    assert last_ready(first) == last_ready(second) == NOW


def test_time_to_become_ready_again_counts_from_when_it_was_ready_last() -> None:
    first = whole(picture(SITE, BUILT, UP))
    lost = whole(picture(SITE, first, PROBING, now=later(60)))
    still = whole(picture(SITE, lost, PROBING, now=later(90)))
    assert last_ready(lost) == last_ready(still) == later(60)


def test_a_status_that_does_not_change_is_equal() -> None:
    first = whole(picture(SITE, BUILT, UP))
    assert whole(picture(SITE, first, UP, now=later(60))) == first


# what opens the way for dependants


@pytest.mark.parametrize(
    ("status", "serving", "opens"),
    [
        (BUILT, Serving("not_applicable", opens_the_way=True), True),
        (BUILT, PROBING, False),
        (BROKEN, Serving("not_applicable", opens_the_way=True), False),
        (BUILDING, UP, False),
        (NOTHING, Serving("not_applicable", opens_the_way=True), False),
        (BUILT.model_copy(update={"ever_ready": True}), PROBING, True),
    ],
)
def test_a_resource_opens_the_way_once_it_was_ready(status: ResourceStatus, serving: Serving, opens: bool) -> None:
    assert whole(picture(SITE, status, serving)).ever_ready is opens


# conditions


@pytest.mark.parametrize(
    ("one", "up_to_date", "ready"),
    [
        (picture(LINT, NOTHING, due=True), ("False", "UpdatePending"), ("False", "UpdatePending")),
        (picture(LINT, BUILT, Serving("not_applicable")), ("True", ""), ("True", "")),
        (picture(LINT, BROKEN, Serving("not_applicable")), ("False", "UpdateError"), ("False", "UpdateError")),
        (picture(SITE, BUILT, PROBING), ("True", ""), ("False", "RuntimePending")),
        (picture(SITE, BUILT, FAILED), ("True", ""), ("False", "RuntimeError")),
        (picture(SITE, BUILT, UP), ("True", ""), ("True", "")),
    ],
)
def test_two_conditions_say_whether_it_is_up_to_date_and_ready(
    one: Picture, up_to_date: tuple[str, str], ready: tuple[str, str]
) -> None:
    found = {condition.type: (condition.status, condition.reason) for condition in whole(one).conditions}
    assert found == {"UpToDate": up_to_date, "Ready": ready}


def test_a_condition_says_what_is_waited_for_and_since_when() -> None:
    first = whole(picture(SITE, BUILT, PROBING))
    again = whole(picture(SITE, first, PROBING, now=later(9)))
    (ready,) = [one for one in again.conditions if one.type == "Ready"]
    assert (ready.message, ready.last_transition_time) == ("its readiness probe to pass", NOW)


# the rest of Tilt's fields


def test_the_newest_pod_is_shown() -> None:
    old = pod(container(running()), name="web-1", created_at=ago(50))
    new = pod(container(running(), ready=False, restarts=2), name="web-2", created_at=ago(5), status="Running")
    going = pod(name="web-3", created_at=ago(1), deleting=True)
    info = whole(picture(WEB, BUILT, Serving("pending", active=True, pods=(old, new, going)))).k8s_resource_info
    assert info
    assert (info.pod_name, info.pod_restarts, info.all_containers_ready) == ("web-2", 2, False)
    assert (info.span_id, info.display_names) == ("pod:web:web-2", ("web:deployment",))


def test_the_servers_process_is_shown_while_it_runs() -> None:
    shown = whole(picture(SITE, BUILT, UP)).local_resource_info
    assert shown
    assert shown.pid == 42
    assert whole(picture(SITE, BUILT, FAILED)).local_resource_info is None


def test_parts_and_trigger_modes_are_tilts() -> None:
    shop = deployment("web", image("shop"))
    assert [(one.id, one.type) for one in whole(picture(shop)).specs] == [("image:shop", "image"), ("k8s:web", "k8s")]
    assert [(one.id, one.type) for one in whole(picture(LINT)).specs] == [("local:lint", "local")]
    modes = [("auto", True), ("manual", True), ("manual", False), ("auto", False)]
    made = [local(update="x", trigger_mode=mode, auto_init=first) for mode, first in modes]
    assert [whole(picture(one)).trigger_mode for one in made] == [0, 1, 2, 3]


def test_two_updates_are_remembered_the_newest_first() -> None:
    first = record(BUILDING, "", NOW)
    assert (first.current_build, first.last_deploy_time) == (None, NOW)
    assert first.build_history[0] == BuildRecord(start_time=ago(5), finish_time=NOW, span_id="build:web")
    second = record(first, "boom", later(1))
    third = record(second, "", later(2))
    assert [one.error for one in third.build_history] == ["", "boom"]
    assert (second.last_deploy_time, third.last_deploy_time) == (NOW, later(2))


# switched off


SOURCE = DisableSource(config_map=ConfigMapDisableSource(name="web-disable", key="isDisabled"))


@pytest.mark.parametrize(
    ("resource", "kinds"),
    [
        (WEB, {"web:update": "job", "web:runtime": "server"}),
        (MIGRATE, {"migrate:update": "job", "migrate:runtime": "job"}),
        (SITE, {"site:update": "job", "site:serve": "server"}),
        (DOCS, {"docs:serve": "server"}),
    ],
)
def test_what_is_switched_off_says_so_for_all_its_targets(resource: Resource, kinds: dict[str, str]) -> None:
    found = disabled(resource, BUILT)
    assert {target.name: target.type for target in found.targets} == kinds
    assert all(target.state == TargetState(disabled=TargetDisabled()) for target in found.targets)
    assert (found.update_status, found.runtime_status, found.triggered) == ("none", "none", "")


def test_the_switch_is_shown() -> None:
    switched = local(update="x", disable_source=SOURCE)
    on, off = whole(picture(switched)).disable_status, disabled(switched, BUILT).disable_status
    assert (on.state, on.enabled_count, on.disabled_count) == ("Enabled", 1, 0)
    assert (off.state, off.enabled_count, off.disabled_count, off.sources) == ("Disabled", 0, 1, (SOURCE,))
    assert whole(picture(LINT)).disable_status.state == ""


def test_what_is_tolerated_is_remembered() -> None:
    told = Serving("pending", tolerated={"web-1/web": 2}, excused={"x": None})
    first = whole(picture(WEB, BUILT, told))
    assert (first.tolerated_crashes, first.excused) == ({"web-1/web": 2}, {"x": None})
    kept = whole(picture(WEB, first, Serving("none")))
    assert (kept.tolerated_crashes, kept.excused) == ({"web-1/web": 2}, {"x": None})


def test_targets_are_those_of_one_resource() -> None:
    found: tuple[Target, ...] = whole(picture(WEB)).targets
    assert {target.resources for target in found} == {("web",)}
    assert resource_status.update_word(picture(WEB)) == "ok"
