"""Each phase has its time, if somebody set one: to be built, pushed, scheduled, pulled, started."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.controllers.stories import Mirror, deployment, image, local
from tests.controllers.verdict.cases import NOW, ago, container, pod, waiting
from upright.controllers.update import update_cmd_name
from upright.controllers.verdict.budgets import Budgets
from upright.controllers.verdict.phases import late_pod, late_steps, phases_now
from upright.controllers.verdict.pod_view import PodView
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import Cmd, CmdRunning, CmdStatus
from upright.openapi.v1alpha1.docker_image import DockerImage, DockerImageStatus, ImageBuilding, ImagePushing
from upright.openapi.v1alpha1.kubernetes_discovery import ObservedEvent, PodCondition

if TYPE_CHECKING:
    from upright.controllers.verdict.finding import Finding

LIMIT = timedelta(seconds=30)
ALL = Budgets(build_timeout=LIMIT, push_timeout=LIMIT, schedule_timeout=LIMIT, pull_timeout=LIMIT, start_timeout=LIMIT)


def steps(status: DockerImageStatus, budgets: Budgets = ALL) -> list[Finding]:
    mirror = Mirror()
    one = image("web")
    assert one.docker_image is not None
    mirror.put(DockerImage(metadata=ObjectMeta(name="web:web"), spec=one.docker_image), status)
    resource = deployment("web", one)
    return list(late_steps(phases_now(resource, update_cmd_name(resource), mirror), budgets))


@pytest.mark.parametrize(("seconds", "red"), [(29, False), (31, True)])
def test_a_build_and_a_push_have_their_time(seconds: float, red: bool) -> None:
    (built,) = steps(DockerImageStatus(building=ImageBuilding(started_at=ago(seconds))))
    (pushed,) = steps(DockerImageStatus(pushing=ImagePushing(started_at=ago(seconds))))
    assert [(one.rule, one.path, one.is_red(NOW)) for one in (built, pushed)] == [
        ("build-timeout", ("DockerImage/web:web",), red),
        ("push-timeout", ("DockerImage/web:web",), red),
    ]
    assert built.message == "build timeout after 30s: image web is not done"


def test_the_command_of_an_update_is_its_build() -> None:
    resource = local("web", "sleep 100")
    mirror = Mirror()
    name = update_cmd_name(resource)
    mirror.put(Cmd(metadata=ObjectMeta(name=name)), CmdStatus(running=CmdRunning(pid=1, started_at=ago(31))))
    (late,) = late_steps(phases_now(resource, name, mirror), ALL)
    assert (late.rule, late.is_red(NOW)) == ("build-timeout", True)


def test_without_a_limit_nothing_is_late() -> None:
    assert steps(DockerImageStatus(building=ImageBuilding(started_at=ago(9999))), Budgets()) == []
    assert list(late_pod(PodView(pod(container(waiting("ContainerCreating"))), NOW), Budgets())) == []


SCHEDULED = (PodCondition(type="PodScheduled", status="True", last_transition_time=ago(40)),)
PULLING = ObservedEvent(kind="Pod", name="web-1", reason="Pulling", message='Pulling image "web:1"')
PULLED = ObservedEvent(kind="Pod", name="web-1", reason="Pulled", message='Successfully pulled image "web:1"')


@pytest.mark.parametrize(
    ("view", "rule"),
    [
        (PodView(pod(created_at=ago(40)), NOW), "schedule-timeout"),
        (
            PodView(pod(container(waiting("ImagePullBackOff"), image="web:1"), conditions=SCHEDULED), NOW),
            "pull-timeout",
        ),
        (
            PodView(
                pod(container(waiting("ContainerCreating"), image="web:1"), conditions=SCHEDULED),
                NOW,
                events=(PULLING,),
            ),
            "pull-timeout",
        ),
        (
            PodView(
                pod(container(waiting("ContainerCreating"), image="web:1"), conditions=SCHEDULED),
                NOW,
                events=(PULLING, PULLED),
            ),
            "start-timeout",
        ),
    ],
)
def test_a_pod_is_late_in_the_phase_it_is_in(view: PodView, rule: str) -> None:
    (late,) = late_pod(view, ALL)
    assert (late.rule, late.tolerance) == (rule, LIMIT)
