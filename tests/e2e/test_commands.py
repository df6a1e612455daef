"""What other commands see of a run while it goes on: Upright's own, and kubectl against the embedded cluster."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import nothing_left
from tests.e2e.objects import config_map, container, deployment, job
from tests.e2e.project import new_project

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.e2e.project import Running

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]

CRASHES_ONCE = (
    "[ -e /kept/once ] && { echo again; exec httpd -f -p 8080 -h /; }; touch /kept/once; echo at first; exit 3"
)
TILTFILE = """
local_resource("hold", cmd="while [ ! -e done ]; do sleep 0.05; done", allow_parallel=True)
local_resource("says", cmd="echo kubeconfig=$KUBECONFIG", allow_parallel=True)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Generator[Running]:
    """Start a run that goes on until the tests are through, and ends well."""
    project = new_project(tmp_path_factory.mktemp("commands"), cache)
    kept = {"name": "kept", "mountPath": "/kept"}
    probe = {"httpGet": {"port": 8080, "path": "/kept/once"}, "periodSeconds": 1}
    web = container(script=CRASHES_ONCE, volumeMounts=[kept], readinessProbe=probe)
    project.tiltfile(
        TILTFILE,
        deployment("web", web, volumes=[{"name": "kept", "emptyDir": {}}]),
        config_map("settings", colour="red"),
    )
    with nothing_left():
        running = project.start()
        yield running
        project.write("done", "")
        outcome = running.ended()
    assert outcome.code == 0, outcome


class Kubectl:
    """kubectl on the run's cluster."""

    def __init__(self, program: Path, kubeconfig: str, home: Path) -> None:
        self.command = [str(program), f"--kubeconfig={kubeconfig}", f"--cache-dir={home}/kube"]

    def __call__(self, *arguments: str, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [*self.command, *arguments]
        ended = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=50)
        assert ended.returncode == code, f"{arguments}: {ended.returncode}\n{ended.stdout}{ended.stderr}"
        return ended


@pytest.fixture(scope="module")
def kubectl_of_run(run: Running, kubectl: Path) -> Kubectl:
    """Return kubectl on the run's cluster, where a Deployment is available."""
    kubeconfig = run.until("kubeconfig=/").partition("kubeconfig=")[2].strip()
    run.until("web:deployment")
    called = Kubectl(kubectl, kubeconfig, run.project.home)
    called("rollout", "status", "deployment/web", "--timeout=40s")
    return called


def a_pod(kubectl: Kubectl, app: str = "web") -> str:
    return kubectl("get", "pods", "-l", f"app={app}", "-o", "name").stdout.split()[0]


def image_of(kubectl: Kubectl) -> str:
    """Return the name under which the image was built."""
    return kubectl("get", "pods", "-o", "jsonpath={.items[0].spec.containers[0].image}").stdout


def test_get_shows_sessions_and_resources(run: Running, kubectl_of_run: Kubectl) -> None:
    said = run.project.upright("get", "session", "Tiltfile", "-o", "json")
    assert json.loads(said.stdout)["status"]["done"] is False
    table = run.project.upright("get", "resources").stdout.splitlines()
    assert table[0].startswith("NAME")
    assert {line.split()[0] for line in table[1:]} >= {"(Tiltfile)", "web", "hold"}
    assert run.project.upright("get", "session", "nothing").returncode == 1


def test_describe_says_what_the_session_waits_for(run: Running, kubectl_of_run: Kubectl) -> None:
    said = run.project.upright("describe", "session", "Tiltfile")
    assert said.returncode == 0, said
    assert "hold:update" in said.stdout
    assert "web" in run.project.upright("describe", "resource", "web").stdout


def test_the_short_paths_answer_without_a_token(run: Running) -> None:
    assert run.get("/apis/session")["kind"] == "SessionList"
    assert run.get("/apis/cluster")["items"][0]["metadata"]["name"] == "default"


def test_kubectl_gets_and_describes(kubectl_of_run: Kubectl) -> None:
    pods = kubectl_of_run("get", "pods", "-o", "wide").stdout.splitlines()
    assert pods[0].split()[:6] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP"]
    assert pods[1].split()[1:3] == ["1/1", "Running"]
    told = kubectl_of_run("describe", a_pod(kubectl_of_run)).stdout
    assert "Restart Count:  1" in told
    assert "BackOff" in told or "Started" in told


def test_kubectl_reads_logs_also_of_the_run_before(kubectl_of_run: Kubectl) -> None:
    pod = a_pod(kubectl_of_run)
    assert kubectl_of_run("logs", pod).stdout == "again\n"
    assert kubectl_of_run("logs", "--previous", pod).stdout == "at first\n"


def test_kubectl_follows_a_log_to_its_end(kubectl_of_run: Kubectl) -> None:
    counting = {**container(script="echo 1; sleep 1; printf 2"), "image": image_of(kubectl_of_run)}
    kubectl_of_run("apply", "-f", "-", stdin=json.dumps(job("count", counting)))
    kubectl_of_run("wait", "--for=jsonpath={.status.active}=1", "job/count", "--timeout=20s")
    kubectl_of_run("wait", "--for=jsonpath={.status.phase}", "pod", "-l", "job-name=count", "--timeout=20s")
    assert kubectl_of_run("logs", "-f", "--pod-running-timeout=20s", "job/count").stdout == "1\n2"
    kubectl_of_run("wait", "--for=condition=complete", "job/count", "--timeout=20s")
    kubectl_of_run("delete", "job/count")


def test_kubectl_executes_with_input_and_exit_code(kubectl_of_run: Kubectl) -> None:
    pod = a_pod(kubectl_of_run)
    said = kubectl_of_run("exec", "-i", pod, "--", "sh", "-c", "cat; echo oops >&2; exit 4", stdin="given\n", code=4)
    assert said.stdout == "given\n"
    assert said.stderr.startswith("oops\n")


def test_kubectl_applies_waits_restarts_and_deletes(kubectl_of_run: Kubectl) -> None:
    other = deployment("other", container(script="trap 'exit 0' TERM; while true; do sleep 0.1; done"))
    other["spec"]["template"]["spec"]["containers"][0]["image"] = image_of(kubectl_of_run)
    assert kubectl_of_run("apply", "-f", "-", stdin=json.dumps(other)).stdout == "deployment.apps/other created\n"
    assert kubectl_of_run("apply", "-f", "-", stdin=json.dumps(other)).stdout == "deployment.apps/other unchanged\n"
    kubectl_of_run("wait", "--for=condition=available", "deployment/other", "--timeout=20s")
    before = a_pod(kubectl_of_run, "other")
    kubectl_of_run("rollout", "restart", "deployment/other")
    assert "successfully rolled out" in kubectl_of_run("rollout", "status", "deployment/other", "--timeout=20s").stdout
    kubectl_of_run("wait", "--for=delete", before, "--timeout=20s")
    kubectl_of_run("delete", "deployment/other", "--wait")
    kubectl_of_run("wait", "--for=delete", "pod", "-l", "app=other", "--timeout=20s")
