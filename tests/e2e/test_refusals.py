"""What the embedded cluster does not do, it refuses by name; without an engine it is said how to get one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.objects import container, deployment
from tests.e2e.project import ENGINES

if TYPE_CHECKING:
    from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow]


def test_a_kind_that_it_does_not_have_is_refused_by_name(project: Project) -> None:
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "front"}}
    project.tiltfile("", {**ingress, "spec": {"rules": []}}, deployment("web", container()))
    outcome = project.ci()
    assert outcome.code == 1, outcome
    assert 'Ingress/front: no matches for kind "Ingress" in version "networking.k8s.io/v1"' in outcome.last
    assert outcome.last.endswith("(--cluster=CONTEXT)")
    assert outcome.card["rule"] == "apply-refused"


def test_a_field_that_it_does_not_heed_is_refused_with_its_path(project: Project) -> None:
    project.tiltfile("", deployment("web", container(), hostPID=True))
    outcome = project.ci()
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: web: ")
    assert "spec.template.spec.hostPID: Forbidden: not implemented by the embedded cluster" in outcome.last


def test_without_an_engine_it_is_said_how_to_get_one(project: Project) -> None:
    project.tiltfile("", deployment("web", container()))
    outcome = project.ci(hidden=ENGINES)
    assert outcome.code == 3, outcome
    assert outcome.last.startswith("Error: cannot tell: No container engine: tried DOCKER_HOST, ")
    assert "apt-get install docker.io" in outcome.last
