from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.node.pods import NOON, at, ended, not_started, pod, running, seen
from upright.controllers.node.pod_status import qos_class, status
from upright.controllers.node.sight import ProbeSight, Problem, Seen

if TYPE_CHECKING:
    from upright.openapi.core_v1.pod import Pod
    from upright.openapi.core_v1.pod_status import ContainerStatus
    from upright.openapi.meta import Json

PROBE = {"exec": {"command": ["true"]}}


def probed(**probes: object) -> Pod:
    return pod(containers=[{"name": "web", "image": "x:1", **probes}])


def container(of: Pod, what: Seen, now: float = 0) -> ContainerStatus:
    return status(of, what, "10.77.0.1", at(now)).container_statuses[0]


def conditions(of: Pod, what: Seen) -> dict[str, str]:
    found = status(of, what, "10.77.0.1", NOON).conditions
    return {one.type: one.status + (f" {one.reason}" if one.reason else "") for one in found}


def test_a_pod_begins_pending_with_its_containers_being_created() -> None:
    got = status(pod(), Seen(), "10.77.0.1", NOON).to_wire()
    assert got["phase"] == "Pending"
    assert got["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert got["startTime"] == "2026-11-23T12:00:00Z"


def test_a_running_pod_says_where_and_since_when() -> None:
    got = status(pod(), seen(running()), "10.77.0.1", NOON).to_wire()
    assert (got["phase"], got["podIP"], got["hostIP"]) == ("Running", "10.77.0.5", "10.77.0.1")
    assert got["containerStatuses"] == [
        {
            "name": "web",
            "state": {"running": {"startedAt": "2026-11-23T12:00:00Z"}},
            "lastState": {},
            "ready": True,
            "restartCount": 0,
            "image": "x:1",
            "imageID": "sha256:1",
            "containerID": "docker://web-0",
            "started": True,
        }
    ]


def test_all_conditions_of_a_ready_pod_hold() -> None:
    assert conditions(pod(), seen(running())) == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    }


def test_init_containers_are_waited_for_by_name() -> None:
    of = pod(inits=("one", "two"))
    got = status(of, seen(ended("one", 0), running("two")), "", NOON)
    assert got.phase == "Pending"
    assert [one.ready for one in got.init_container_statuses] == [True, False]
    assert got.container_statuses[0].state.waiting is not None
    assert got.container_statuses[0].state.waiting.reason == "PodInitializing"
    initialized = next(one for one in got.conditions if one.type == "Initialized")
    assert (initialized.status, initialized.reason) == ("False", "ContainersNotInitialized")
    assert initialized.message == "containers with incomplete status: [two]"


def test_an_unready_container_is_named() -> None:
    ready = next(
        o for o in status(probed(readinessProbe=PROBE), seen(running()), "", NOON).conditions if o.type == "Ready"
    )
    assert (ready.status, ready.reason) == ("False", "ContainersNotReady")
    assert ready.message == "containers with unready status: [web]"


@pytest.mark.parametrize(
    ("probes", "said", "started", "ready"),
    [
        ({}, None, True, True),
        ({"readinessProbe": PROBE}, None, True, False),
        ({"readinessProbe": PROBE}, ProbeSight(started=True, ready=True), True, True),
        ({"startupProbe": PROBE}, None, False, False),
        ({"startupProbe": PROBE}, ProbeSight(started=True, ready=True), True, True),
        ({"startupProbe": PROBE, "readinessProbe": PROBE}, ProbeSight(started=True), True, False),
    ],
)
def test_probes_decide_started_and_ready(
    probes: dict[str, object], said: ProbeSight | None, started: bool, ready: bool
) -> None:
    got = container(probed(**probes), seen(running(), probes={"web-0": said} if said else {}))
    assert (got.started, got.ready) == (started, ready)


@pytest.mark.parametrize(
    ("what", "now", "state", "last"),
    [
        pytest.param(seen(ended(code=7)), 1.5, {"terminated": "Error 7"}, {}, id="first crash"),
        pytest.param(
            seen(ended(code=7, attempt=1, backoff=10), ended(code=7)),
            1.5,
            {"terminated": "Error 7"},
            {"terminated": "Error 7"},
            id="a crash shows as itself first",
        ),
        pytest.param(
            seen(ended(code=7, attempt=1, backoff=10)),
            3,
            {"waiting": "CrashLoopBackOff"},
            {"terminated": "Error 7"},
            id="then as the wait for the next start",
        ),
        pytest.param(
            seen(running(attempt=1), ended(code=7)), 3, {"running": ""}, {"terminated": "Error 7"}, id="running again"
        ),
        pytest.param(
            seen(ended(code=137, oom_killed=True)), 1, {"terminated": "OOMKilled 137"}, {}, id="out of memory"
        ),
        pytest.param(
            seen(not_started()),
            0,
            {"waiting": "RunContainerError"},
            {"terminated": "StartError 128"},
            id="no such program",
        ),
        pytest.param(
            seen(not_started(attempt=1, backoff=10)),
            2,
            {"waiting": "CrashLoopBackOff"},
            {"terminated": "StartError 128"},
            id="no such program, again",
        ),
        pytest.param(
            seen(problems={"web": Problem("ErrImagePull", "not found", at(0))}),
            0.5,
            {"waiting": "ErrImagePull"},
            {},
            id="pull failed",
        ),
        pytest.param(
            seen(problems={"web": Problem("ErrImagePull", "not found", at(0))}),
            2,
            {"waiting": "ImagePullBackOff"},
            {},
            id="pull waits",
        ),
        pytest.param(
            seen(problems={"web": Problem("CreateContainerConfigError", 'secret "s" not found', at(0))}),
            5,
            {"waiting": "CreateContainerConfigError"},
            {},
            id="missing secret",
        ),
    ],
)
def test_states_have_kubernetes_words(what: Seen, now: float, state: Json, last: Json) -> None:
    got = container(pod(), what, now).to_wire()
    assert {"state": brief(got["state"]), "last": brief(got["lastState"])} == {"state": state, "last": last}


def brief(state: Json) -> Json:
    return {name: f"{about.get('reason', '')} {about.get('exitCode', '')}".strip() for name, about in state.items()}


def test_the_back_off_message_names_container_and_pod() -> None:
    waiting = container(pod(), seen(ended(attempt=5, backoff=160)), 30).state.waiting
    assert waiting is not None
    assert waiting.message == "back-off 2m40s restarting failed container=web pod=web-1_shop(u-1)"


def test_the_image_back_off_message_has_the_reason() -> None:
    what = seen(problems={"web": Problem("ErrImagePull", "manifest unknown", at(0))})
    waiting = container(pod(), what, 3).state.waiting
    assert waiting is not None
    assert waiting.message == 'Back-off pulling image "x:1": ErrImagePull: manifest unknown'


@pytest.mark.parametrize(
    ("policy", "what", "phase"),
    [
        ("Always", seen(), "Pending"),
        ("Always", seen(running()), "Running"),
        ("Always", seen(ended(code=0)), "Running"),
        ("Always", seen(not_started()), "Running"),
        ("OnFailure", seen(ended(code=0)), "Succeeded"),
        ("OnFailure", seen(ended(code=1)), "Running"),
        ("Never", seen(ended(code=0)), "Succeeded"),
        ("Never", seen(ended(code=1)), "Failed"),
        ("Never", seen(not_started()), "Failed"),
    ],
)
def test_phases(policy: str, what: Seen, phase: str) -> None:
    assert status(pod(policy=policy), what, "", at(1)).phase == phase


def test_a_pod_is_failed_when_its_init_container_may_not_run_again() -> None:
    got = status(pod(inits=("one",), policy="Never"), seen(ended("one", 7)), "", at(1))
    assert got.phase == "Failed"


def test_a_finished_pod_is_not_ready_because_it_completed() -> None:
    got = conditions(pod(policy="Never"), seen(ended(code=0)))
    assert (got["Initialized"], got["Ready"]) == ("True PodCompleted", "False PodCompleted")


def test_a_condition_keeps_its_time_while_it_holds() -> None:
    of = pod()
    later = of.model_copy(update={"status": status(of, seen(running()), "", NOON)})
    again = status(later, seen(running()), "", at(60))
    assert {one.last_transition_time for one in again.conditions} == {NOON}
    assert again == later.status


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}}, "Burstable"),
    ],
)
def test_quality_of_service(resources: Json, expected: str) -> None:
    assert qos_class(probed(resources=resources).spec) == expected
