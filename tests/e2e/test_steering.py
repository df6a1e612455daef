"""A run that goes on after its verdict does what it is asked to, in its cluster and on this machine."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.e2e.objects import container, deployment, job

if TYPE_CHECKING:
    from tests.e2e.project import Project, Running
    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]


def done(run: Running, *words: str) -> str:
    said = run.project.upright(*words)
    assert said.returncode == 0, said
    return said.stdout


def until(run: Running, what: str, path: str, value: str) -> None:
    done(run, "wait", f"--for=jsonpath={{{path}}}={value}", what, "--timeout=40s")


def uid_of(run: Running, name: str) -> str:
    """Return which object of a name was applied last."""
    status: Json = json.loads(done(run, "get", "kubernetesapply", name, "-o", "json"))["status"]
    return str(status["objects"][0]["uid"])


def test_what_is_triggered_runs_anew_and_what_is_switched_off_is_gone(project: Project) -> None:
    project.tiltfile(
        "k8s_resource('migrate', resource_deps=['web'])\n"
        "local_resource('serve', serve_cmd='echo $$ > pid; exec sleep 1000')\n",
        deployment("web", container(readinessProbe={"exec": {"command": ["true"]}, "periodSeconds": 1})),
        job("migrate", container(script="echo migrated")),
    )
    run = project.start("--stay")
    try:
        steer(run)
    finally:
        run.signal(signal.SIGINT)
        outcome = run.ended()
    assert outcome.code == 0, outcome


def steer(run: Running) -> None:
    run.until("│ migrated")
    until(run, "session/Tiltfile", ".status.verdict.state", "healthy")

    before = uid_of(run, "migrate")
    done(run, "trigger", "migrate")
    run.until("Triggered: deleting Job/migrate")
    run.until("│ migrated")
    until(run, "resource/migrate", ".status.runtimeStatus", "ok")
    assert uid_of(run, "migrate") != before
    assert done(run, "logs", "migrate").splitlines().count("migrated") == 2

    done(run, "disable", "web", "serve")
    until(run, "resource/web", ".status.disableStatus.state", "Disabled")
    done(run, "wait", "--for=delete", "kubernetesapply/web", "cmd/serve-serve-1", "--timeout=40s")
    assert run.project.upright("trigger", "web").returncode == 1
    refused = run.project.upright("down")
    assert refused.returncode == 1
    assert "embedded cluster" in refused.stderr

    done(run, "enable", "--all")
    until(run, "resource/web", ".status.runtimeStatus", "ok")
    until(run, "resource/serve", ".status.runtimeStatus", "ok")
