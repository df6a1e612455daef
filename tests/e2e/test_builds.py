"""Images that cannot be built: the step of the Dockerfile, and what it printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.objects import container, deployment
from tests.e2e.project import DOCKER_CLI, DOCKERFILE

if TYPE_CHECKING:
    from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow]


@pytest.mark.parametrize("hidden", [(), DOCKER_CLI], ids=["with the docker CLI", "with the engine alone"])
def test_a_failing_build_step_is_told_with_its_line_and_output(project: Project, hidden: tuple[str, ...]) -> None:
    project.tiltfile("", deployment("web", container()))
    project.write("image/Dockerfile", f"{DOCKERFILE}RUN echo undefined: frobnicate && exit 4\n")
    outcome = project.ci(hidden=hidden)
    assert outcome.code == 1, outcome
    step = "Dockerfile line 5: RUN echo undefined: frobnicate && exit 4: "
    assert outcome.last.startswith(f"Error: web: DockerImage/web:toolbox: building toolbox: {step}")
    assert outcome.last.endswith("code: 4")
    assert "          web │      undefined: frobnicate\n" in outcome.out
    assert outcome.card["rule"] == "build-failed"
    assert "     undefined: frobnicate" in outcome.card["logs"]


def test_syntax_that_needs_buildkit_is_refused_with_its_line(project: Project) -> None:
    project.tiltfile("", deployment("web", container()))
    project.write("image/Dockerfile", f"{DOCKERFILE}RUN --mount=type=cache,target=/cache true\n")
    outcome = project.ci(hidden=DOCKER_CLI)
    assert outcome.code == 1, outcome
    assert outcome.last.startswith("Error: web: ")
    assert "Dockerfile line 5 uses RUN --mount, which needs BuildKit" in outcome.last
    assert "Step 1/" not in outcome.out
