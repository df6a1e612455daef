"""What would never come is not waited for: each budget ends in words that name what is missing. They all run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.objects import container, deployment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.project import Outcome, Project

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]


def probe_never_passes(project: Project) -> None:
    probe = {"httpGet": {"port": 8080, "path": "/ready"}, "periodSeconds": 1}
    web = container(script="echo listening nowhere; exec sleep 1000", readinessProbe=probe)
    project.tiltfile('ci_settings(readiness_timeout="5s")', deployment("web", web))


def secret_is_missing(project: Project) -> None:
    wanted = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "credentials", "key": "password"}}}
    project.tiltfile("", deployment("web", container(env=[wanted])))


def config_map_is_missing(project: Project) -> None:
    web = container(volumeMounts=[{"name": "settings", "mountPath": "/settings"}])
    volume = {"name": "settings", "configMap": {"name": "settings-of-web"}}
    project.tiltfile("", deployment("web", web, volumes=[volume]))


def too_large(project: Project) -> None:
    web = container(resources={"requests": {"cpu": "1000"}})
    project.tiltfile('ci_settings(unschedulable_timeout="2s")', deployment("web", web))


@pytest.fixture(scope="module")
def outcomes(together: Callable[..., dict[str, Outcome]]) -> dict[str, Outcome]:
    return together(probe_never_passes, secret_is_missing, config_map_is_missing, too_large)


def test_a_probe_that_never_passes_ends_in_the_readiness_timeout(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["probe_never_passes"]
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: Readiness timeout after 5s: target web:runtime not ready: it waits for ")
    assert "Readiness probe failed: " in outcome.last
    assert "          web │ listening nowhere\n" in outcome.out
    assert outcome.card["rule"] == "readiness-timeout"


def test_a_missing_secret_is_named(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["secret_is_missing"]
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: web: Deployment/web → Pod/web-")
    assert outcome.last.endswith('CreateContainerConfigError: secret "credentials" not found')
    assert outcome.card["rule"] == "missing-reference"


def test_a_missing_config_map_of_a_volume_is_named(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["config_map_is_missing"]
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: web: Deployment/web → Pod/web-")
    assert outcome.last.endswith('configmap "settings-of-web" not found')
    assert outcome.card["rule"] == "missing-reference"


def test_a_pod_that_no_node_can_take_is_told_in_the_schedulers_words(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["too_large"]
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: web: Deployment/web → Pod/web-")
    assert "0/1 nodes are available: 1 Insufficient cpu." in outcome.last
    assert outcome.card["rule"] == "unschedulable"
