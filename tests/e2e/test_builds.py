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


def test_an_image_is_built_beside_what_writes_its_files_and_again_when_that_is_done(project: Project) -> None:
    project.tiltfile(
        "local_resource('compile', 'until [ -e go ]; do sleep 0.1; done; echo made > image/app', allow_parallel=True)\n"
        "k8s_resource('web', resource_deps=['compile'])\n",
        deployment("web", container(script="cat /app; exec sleep 1000")),
    )
    project.write("image/Dockerfile", f"{DOCKERFILE}COPY app /app\n")
    run = project.start()
    run.until("STEP — Building Dockerfile: [toolbox] (ahead of its local resources")
    run.until("Not built: this comes again when the local resources are done")
    project.write("go", "")
    outcome = run.ended()
    assert outcome.code == 0, outcome
    assert "          web │ STEP — Building Dockerfile: [toolbox]\n" in outcome.out
    assert "          web │ made\n" in outcome.out
