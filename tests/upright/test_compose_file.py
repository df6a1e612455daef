"""docker-compose.yml starts a server for a team: built, started and used with a real Docker Compose on a real engine."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from anyio.from_thread import start_blocking_portal

from tests.engines import running_engine
from tests.upright import base_image
from upright.controllers.world.engine.private import program
from upright.controllers.world.engine.protocol import BuildRequest

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.engines import RunningEngine

ROOT = Path(__file__).parents[2]
SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"


class Team:
    """The compose project, as somebody on its host sees it."""

    def __init__(self, compose: Path, address: str, folder: Path) -> None:
        self._compose = compose
        projects = folder / "projects"
        projects.mkdir()
        (projects / "Tiltfile").write_text("local_resource('a', 'echo made it here')\n")
        self._environment = os.environ | {
            "DOCKER_HOST": address,
            "DOCKER_BUILDKIT": "0",
            "UPRIGHT_LISTEN": "127.0.0.1",
            "UPRIGHT_PROJECTS": str(projects),
        }

    def compose(self, *words: str) -> str:
        command = [str(self._compose), "-f", str(ROOT / "docker-compose.yml"), *words]
        ended = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=280, check=False)
        assert ended.returncode == 0, f"{words}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def inside(self, script: str) -> str:
        return self.compose("exec", "-T", "controllers", "python", "-c", script)


@pytest.fixture(scope="module")
def engine_with_base(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningEngine]:
    if os.geteuid() != 0 or not program("dockerd"):
        pytest.skip("a private dockerd needs root and: apt-get install docker.io")
    folder = tmp_path_factory.mktemp("team")
    with running_engine("dockerd", folder) as running:
        yield running


CALL = """
import http.client, json, ssl, sys
from pathlib import Path
from upright.client import kubeconfig
access = kubeconfig.read(Path("/var/lib/upright/server/kubeconfig"))
host, _, port = access.server.removeprefix("https://").partition(":")
tls = ssl.create_default_context(cadata=access.authority)
connection = http.client.HTTPSConnection(host, int(port), context=tls, timeout=20)
connection.request({method!r}, {path!r}, {body!r}, {{"Authorization": "Bearer " + access.token}})
answer = connection.getresponse()
print(json.dumps([answer.status, json.loads(answer.read())]))
"""


def call(team: Team, method: str, path: str, body: object = None) -> tuple[int, Any]:
    status, told = json.loads(
        team.inside(CALL.format(method=method, path=path, body=json.dumps(body) if body else None))
    )
    return status, told


WAIT = """
import http.client, json, ssl
from pathlib import Path
from upright.client import kubeconfig
access = kubeconfig.read(Path("/var/lib/upright/server/kubeconfig"))
host, _, port = access.server.removeprefix("https://").partition(":")
connection = http.client.HTTPSConnection(host, int(port), context=ssl.create_default_context(cadata=access.authority), timeout=60)
path = "/apis/tilt.dev/v1alpha1/sessions?watch=1&timeoutSeconds=60&fieldSelector=metadata.name={name}"
connection.request("GET", path, None, {{"Authorization": "Bearer " + access.token}})
for line in connection.getresponse():
    status = json.loads(line)["object"].get("status", {{}})
    if status.get("done"):
        print(json.dumps(status))
        break
"""


@contextmanager
def up(team: Team) -> Generator[None]:
    team.compose("up", "--detach", "--build", "--wait")
    try:
        yield
    finally:
        team.compose("down", "--volumes", "--timeout", "20")


def test_the_database_of_the_other_profile_waits_for_its_server(compose: Path, tmp_path: Path) -> None:
    team = Team(compose, "unix:///nowhere", tmp_path)
    plain = json.loads(team.compose("config", "--format", "json"))
    assert sorted(plain["services"]) == ["apiserver", "controllers"]
    other = json.loads(team.compose("--profile", "postgres", "config", "--format", "json"))
    assert sorted(other["services"]) == ["apiserver", "controllers", "postgres"]
    assert [mapping["host_ip"] for mapping in plain["services"]["apiserver"]["ports"]] == ["127.0.0.1"]


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.timeout(500)
def test_a_team_has_a_server_after_one_command(compose: Path, engine_with_base: RunningEngine, tmp_path: Path) -> None:
    async def build() -> None:
        context = base_image.make(tmp_path / "base", ROOT / "requirements-run.lock")
        async with engine_with_base.connected() as engine:
            request = BuildRequest(dockerfile=base_image.DOCKERFILE, context=context, tags=(base_image.BASE,))
            await engine.build(request, lambda _: None)

    with start_blocking_portal() as portal:
        portal.call(build)
    team = Team(compose, engine_with_base.info.address, tmp_path)
    with up(team):
        for name in ("one", "two"):
            body = {"metadata": {"name": name}, "spec": {"tiltfilePath": "/srv/projects/Tiltfile"}}
            assert call(team, "POST", SESSIONS, body)[0] == 201
        for name in ("one", "two"):
            status = json.loads(team.inside(WAIT.format(name=name)))
            assert status["verdict"]["exitCode"] == 0, status
        assert call(team, "POST", "/api/tokens", {"name": "viewer", "scope": "reader"})[0] == 201
        team.compose("restart", "--timeout", "20")
        team.compose("up", "--detach", "--wait")
        code, found = call(team, "GET", SESSIONS)
        assert (code, [one["metadata"]["name"] for one in found["items"]]) == (200, ["one", "two"])
        logs = team.compose(
            "exec", "-T", "controllers", "sh", "-c", "cat /var/lib/upright/runs/sessions/one-*/logs/*.log"
        )
        assert "made it here" in logs
        modes = team.compose("exec", "-T", "controllers", "stat", "-c", "%a %u", "/var/lib/upright/server/kubeconfig")
        assert modes.split() == ["600", "10001"]
