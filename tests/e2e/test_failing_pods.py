"""Pods that cannot become healthy: each is told with object, rule and the lines that show it. They all run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.objects import container, deployment, job, service

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.project import Outcome, Project

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]

ONE_TOKEN = "echo yes | nc -l -p 9000; while true; do echo no | nc -l -p 9000; done"


def exits_7(project: Project) -> None:
    project.tiltfile("", deployment("web", container(script="echo there is no database; exit 7")))


def crashes_though_probed(project: Project) -> None:
    probe = {"exec": {"command": ["true"]}, "initialDelaySeconds": 5}
    project.tiltfile("", deployment("web", container(script="echo boom; exit 9", readinessProbe=probe)))


def two_of_three_crash(project: Project) -> None:
    web = container(script='[ "$(nc token 9000)" = yes ] && exec sleep 1000; echo out of luck; exit 7')
    project.tiltfile(
        'k8s_resource("web", resource_deps=["token"])',
        deployment("token", container(script=ONE_TOKEN)),
        service("token", 9000, 9000),
        deployment("web", web, replicas=3),
    )


def image_cannot_be_found(project: Project) -> None:
    project.tiltfile("", deployment("web", {"name": "main", "image": "localhost:1/nothing/here:1"}))


@pytest.fixture(scope="module")
def outcomes(together: Callable[..., dict[str, Outcome]]) -> dict[str, Outcome]:
    return together(exits_7, crashes_though_probed, two_of_three_crash, image_cannot_be_found)


def test_a_container_that_keeps_exiting_is_told_with_code_and_log(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["exits_7"]
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: web: Deployment/web → Pod/web-")
    assert outcome.last.endswith("→ container main: exited with code 7, 3 times")
    assert outcome.out.count("          web │ there is no database\n") == 3
    card = outcome.card
    assert (card["rule"], card["exitCode"]) == ("crash-loop", 7)
    assert "there is no database" in card["logs"]
    assert card["image"].startswith("toolbox:tilt-")


def test_a_readiness_probe_does_not_hide_a_crash_loop(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["crashes_though_probed"]
    assert outcome.code == 1, outcome
    assert outcome.last.endswith("→ container main: exited with code 9, 3 times")
    assert "boom" in outcome.card["logs"]


def test_one_healthy_pod_of_three_is_not_health(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["two_of_three_crash"]
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: web: ")
    cards = [card for card in outcome.cards if card["resource"] == "web"]
    assert {card["rule"] for card in cards} == {"crash-loop"}
    assert {card["path"][1].rpartition("-")[0] for card in cards} == {cards[0]["path"][1].rpartition("-")[0]}
    assert all("out of luck" in card["logs"] for card in cards)


def test_an_image_that_cannot_be_found_is_told_with_its_name(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["image_cannot_be_found"]
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: web: Deployment/web → Pod/web-")
    assert '"localhost:1/nothing/here:1"' in outcome.last
    assert "connection refused" in outcome.last
    assert outcome.card["rule"] == "image-pull"


def test_an_image_name_that_is_none_is_told_where_it_stands(project: Project) -> None:
    project.tiltfile("", deployment("web", {"name": "main", "image": "Not A Name"}))
    outcome = project.ci()
    assert outcome.code == 5, outcome
    assert f"Deployment/web ({project.folder}/objects.yaml:1)" in outcome.last
    assert "Not A Name" in outcome.last


def test_an_image_that_is_never_pulled_and_not_there_fails_at_once(project: Project) -> None:
    never = {"name": "main", "image": "elsewhere:1", "imagePullPolicy": "Never"}
    project.tiltfile("", deployment("web", never))
    outcome = project.ci()
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: web: ")
    assert 'ErrImageNeverPull: Container image "elsewhere:1"' in outcome.last


def test_a_job_that_fails_is_told_with_its_pods_exit_code_and_log(project: Project) -> None:
    failing = container(script="echo altering; echo column exists already; exit 12")
    project.tiltfile(
        'k8s_resource("web", resource_deps=["migrate"])', job("migrate", failing), deployment("web", container())
    )
    outcome = project.ci()
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: migrate: Job/migrate → Pod/migrate-")
    assert "exited with code 12" in outcome.last
    card = outcome.card
    assert (card["rule"], card["exitCode"]) == ("job-failed", 12)
    assert card["logs"] == ["altering", "column exists already"]
    assert card["heldBack"] == ["web"]
    assert len(outcome.cards) == 1
