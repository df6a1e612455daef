"""One project that uses much of Kubernetes, and becomes healthy; twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.objects import config_map, container, deployment, job, secret, service
from tests.e2e.project import new_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.project import Outcome, Project
    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]

SITE = {"name": "site", "mountPath": "/site"}
WRITE_SITE = "cp /settings/* /credentials/* /site; echo $GREETING, $NAME in $(hostname -i) $IP > /site/index.html"
ASK_NEIGHBOUR = 'until said=$(wget -q -O - localhost:8080/greeting); do sleep 0.1; done; echo "$said"; exec sleep 1000'
TILTFILE = """
k8s_resource("api", objects=["settings:configmap", "credentials:secret"], resource_deps=["migrate"])
k8s_resource("ask", resource_deps=["api"])
local_resource("web", serve_cmd="exec busybox httpd -f -p 127.0.0.1:18463 -h site",
  readiness_probe=probe(period_secs=1, http_get=http_get_action(port=18463, path="/index.html")), resource_deps=["ask"])
"""


def api() -> Json:
    """Return a web server whose pages an init container makes of a ConfigMap and a Secret, and a second container."""
    env = [
        {"name": "GREETING", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "greeting"}}},
        {"name": "NAME", "valueFrom": {"secretKeyRef": {"name": "credentials", "key": "visitor"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    ]
    mounts = [SITE, *({"name": name, "mountPath": f"/{name}"} for name in ("settings", "credentials"))]
    probe = {"httpGet": {"port": "http", "path": "/index.html"}, "periodSeconds": 1}
    return deployment(
        "api",
        container(
            "server",
            "echo serving; exec httpd -f -p 8080 -h /site",
            volumeMounts=[SITE],
            ports=[{"name": "http", "containerPort": 8080}],
            readinessProbe=probe,
            livenessProbe=probe,
        ),
        container("neighbour", ASK_NEIGHBOUR),
        replicas=2,
        initContainers=[container("pages", WRITE_SITE, env=env, volumeMounts=mounts)],
        volumes=[
            {"name": "site", "emptyDir": {}},
            {"name": "settings", "configMap": {"name": "settings"}},
            {"name": "credentials", "secret": {"secretName": "credentials"}},
        ],
    )


def shop(project: Project) -> None:
    project.write("site/index.html", "hello\n")
    project.tiltfile(
        TILTFILE,
        config_map("settings", greeting="Good day"),
        secret("credentials", visitor="Ada"),
        api(),
        service("api", 80, 8080),
        job("migrate", container(script="echo migrated")),
        job("ask", container(script="wget -q -O - http://api/index.html && wget -q -O - http://api.default/visitor")),
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> list[Outcome]:
    project = new_project(tmp_path_factory.mktemp("shop"), cache)
    shop(project)
    return [project.ci(), project.ci()]


def test_it_is_healthy_and_says_so(runs: list[Outcome]) -> None:
    for outcome in runs:
        assert (outcome.code, outcome.err) == (0, ""), outcome
        assert outcome.out.endswith("SUCCESS. All workloads are healthy.\n")
        assert outcome.session["status"]["verdict"]["state"] == "healthy"


def test_a_job_runs_before_what_depends_on_it(runs: list[Outcome]) -> None:
    out = runs[0].out
    assert out.index("      migrate │ migrated\n") < out.index("          api │ Initial Build\n")


def test_containers_of_a_pod_share_their_network_and_volumes(runs: list[Outcome]) -> None:
    assert runs[0].out.count("          api │ [server] serving\n") == 2
    assert runs[0].out.count("          api │ [neighbour] Good day\n") == 2


def test_a_service_leads_by_its_name_from_its_port_to_the_targets(runs: list[Outcome]) -> None:
    said = [line.partition("│ ")[2] for line in runs[0].out.splitlines() if line.startswith("          ask │ ")]
    (greeting,) = (line for line in said if line.startswith("Good day, Ada in "))
    address, field = greeting.removeprefix("Good day, Ada in ").split()
    assert address == field
    assert said[-1] == "Ada"
