"""What becomes of each kind of trouble: the same on the embedded cluster and on a real Kubernetes.

The real one is the kubeconfig that ``UPRIGHT_TEST_KUBECONFIG`` names (with ``UPRIGHT_TEST_DOCKER_HOST`` for the engine that
builds): its nodes must be able to pull what is built, from a local registry that it announces.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.e2e.objects import container, deployment, job
from tests.e2e.project import Project, new_project

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.e2e.project import Outcome
    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(180)]
ALL_SECONDS = 90.0


class Row(NamedTuple):
    """One object that cannot become healthy, and how that must be told."""

    name: str
    object: Json
    rule: str
    words: str
    exit_code: int | None = None


PROBE = {"tcpSocket": {"port": 8080}}
ROWS = (
    Row(
        "exits-7",
        deployment("exits-7", container(script="echo there is no database; exit 7")),
        "crash-loop",
        "exited with code 7, 3 times",
        7,
    ),
    Row(
        "dies-within-two-seconds",  # a kubelet tells it when the two seconds are over
        deployment("dies-within-two-seconds", container(script="echo up; sleep 1.2; exit 7")),
        "crash-loop",
        "exited with code 7, 3 times",
        7,
    ),
    Row(
        "probed-loop",
        deployment("probed-loop", container(script="echo boom; exit 9", readinessProbe=PROBE)),
        "crash-loop",
        "exited with code 9, 3 times",
        9,
    ),
    Row(
        "no-secret",
        deployment("no-secret", container(envFrom=[{"secretRef": {"name": "nowhere"}}])),
        "missing-reference",
        'secret "nowhere" not found',
    ),
    Row(
        "too-big",
        deployment("too-big", container(resources={"requests": {"cpu": "900"}})),
        "unschedulable",
        "no node can take the pod: 0/1 nodes are available: 1 Insufficient cpu",
    ),
    Row(
        "broken-job", job("broken-job", container(script="echo broken; exit 4")), "job-failed", "exited with code 4", 4
    ),
    Row(
        "no-image",
        deployment("no-image", {"name": "main", "image": "localhost:5000/nothing/here:1"}),
        "image-pull",
        "ErrImagePull",
    ),
)
WELL = (
    deployment("server", container()),
    deployment("probed", container(script="while true; do nc -l -p 8080; done", readinessProbe=PROBE)),
    job("task", container(script="echo done")),
)


class Place(NamedTuple):
    """Where the rows are run."""

    cluster: str
    environ: dict[str, str]


@pytest.fixture(scope="module", params=["embedded", "real"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "embedded":
        return Place("embedded", {})
    config = os.environ.get("UPRIGHT_TEST_KUBECONFIG")
    if not config:
        pytest.skip("no real Kubernetes is at hand: name its kubeconfig by UPRIGHT_TEST_KUBECONFIG")
    engine = os.environ.get("UPRIGHT_TEST_DOCKER_HOST")
    return Place("auto", {"KUBECONFIG": config} | ({"DOCKER_HOST": engine} if engine else {}))


@pytest.fixture(scope="module")
def run(place: Place, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Generator[dict[str, Outcome]]:
    """How the runs end, a run a row and one of what is well; they run at once: most of their time is waiting."""
    projects: dict[str, Project] = {}
    for name, objects in {**{row.name: (row.object,) for row in ROWS}, "well": WELL}.items():
        made = new_project(tmp_path_factory.mktemp(name), cache)
        projects[name] = Project(made.folder, made.home, made.cache, place.environ)
        projects[name].tiltfile("", *objects)
    started = {name: one.start(f"--cluster={place.cluster}") for name, one in projects.items()}
    try:
        yield {name: one.ended(ALL_SECONDS) for name, one in started.items()}
    finally:
        for project in projects.values() if place.environ else ():
            _delete(project)


def _delete(project: Project) -> None:
    """Have the real cluster as it was."""
    command = ["kubectl", "delete", "--ignore-not-found", "--wait=false", "-f", str(project.folder / "objects.yaml")]
    subprocess.run(command, env=project.environment, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_trouble_is_told_with_its_rule_object_and_words(run: dict[str, Outcome], row: Row) -> None:
    outcome = run[row.name]
    assert outcome.code == 1, outcome
    assert [card["rule"] for card in outcome.cards] == [row.rule], outcome
    assert row.words in outcome.card["message"], outcome
    assert outcome.card.get("exitCode") == row.exit_code
    assert outcome.card["path"][1].startswith(f"Pod/{row.name}-")
    assert row.words in outcome.last


def test_what_is_well_is_a_success(run: dict[str, Outcome]) -> None:
    assert run["well"].code == 0, run["well"]
