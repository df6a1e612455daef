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
from tests.upright import base_image, postgres_image
from upright.controllers.world.engine.private import program
from upright.controllers.world.engine.protocol import BuildRequest

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.engines import RunningEngine

ROOT = Path(__file__).parents[2]
SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"


class Team:
    """The compose project, as somebody on its host sees it."""

    def __init__(self, compose: Path, address: str, folder: Path, *, postgres: bool = False) -> None:
        self._compose = compose
        self._profile = ("--profile", "postgres") if postgres else ()
        projects = folder / "projects"
        projects.mkdir()
        (projects / "Tiltfile").write_text("local_resource('a', 'echo made it here')\n")
        (projects / "slow").mkdir()
        (projects / "slow" / "Tiltfile").write_text("local_resource('a', 'echo begun; sleep 4; echo made it late')\n")
        self._environment = os.environ | {
            "DOCKER_HOST": address,
            "DOCKER_BUILDKIT": "0",
            "UPRIGHT_LISTEN": "127.0.0.1",
            "UPRIGHT_PROJECTS": str(projects),
        }
        if postgres:
            self._environment["UPRIGHT_POSTGRES_PASSWORD"] = "hush"
            self._environment["UPRIGHT_DATABASE"] = "postgresql://upright:hush@postgres/upright"

    def compose(self, *words: str) -> str:
        command = [str(self._compose), "-f", str(ROOT / "docker-compose.yml"), *self._profile, *words]
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


BEGUN = """
import pathlib, time
while not any("begun" in log.read_text() for log in pathlib.Path("/var/lib/upright/runs/sessions").glob("{name}-*/logs/*.log")):
    time.sleep(0.1)
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


@pytest.fixture(scope="module")
def base(engine_with_base: RunningEngine, tmp_path_factory: pytest.TempPathFactory) -> RunningEngine:
    """Return the engine, which has the image that ours is built on."""
    context = base_image.make(tmp_path_factory.mktemp("base") / "root", ROOT / "requirements-run.lock")
    build(engine_with_base, base_image.BASE, base_image.DOCKERFILE, context)
    return engine_with_base


def build(running: RunningEngine, name: str, dockerfile: str, context: Path) -> None:
    async def built() -> None:
        async with running.connected() as engine:
            await engine.build(BuildRequest(dockerfile=dockerfile, context=context, tags=(name,)), lambda _: None)

    with start_blocking_portal() as portal:
        portal.call(built)


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.timeout(500)
def test_a_team_has_a_server_after_one_command(compose: Path, base: RunningEngine, tmp_path: Path) -> None:
    team = Team(compose, base.info.address, tmp_path)
    with up(team):
        serves_a_team(team)
        for service in ("apiserver", "controllers"):
            outlives_a_restart(team, service)
        modes = team.compose("exec", "-T", "controllers", "stat", "-c", "%a %u", "/var/lib/upright/server/kubeconfig")
        assert modes.split() == ["600", "10001"]


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.timeout(500)
@pytest.mark.skipif(not Path("/usr/lib/postgresql").exists(), reason="needs: apt-get install postgresql")
def test_a_team_s_objects_may_be_in_postgresql(compose: Path, base: RunningEngine, tmp_path: Path) -> None:
    build(base, postgres_image.IMAGE, postgres_image.dockerfile(), postgres_image.make(tmp_path / "postgres"))
    team = Team(compose, base.info.address, tmp_path, postgres=True)
    with up(team):
        serves_a_team(team)
        count = "select count(*) from objects where resource = 'tilt.dev/sessions'"
        told = team.compose("exec", "-T", "postgres", "sh", "-c", f'PGPASSWORD=hush psql -qtA -U upright -c "{count}"')
        assert told.strip() == "2"


def serves_a_team(team: Team) -> None:
    """Have two Sessions run, a token made, both processes started again, and everything still there."""
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
    logs = team.compose("exec", "-T", "controllers", "sh", "-c", "cat /var/lib/upright/runs/sessions/one-*/logs/*.log")
    assert "made it here" in logs


def outlives_a_restart(team: Team, service: str) -> None:
    """Start one of the processes again while a Session runs; it comes to its verdict all the same."""
    name = f"during-{service}"
    body = {"metadata": {"name": name}, "spec": {"tiltfilePath": "/srv/projects/slow/Tiltfile"}}
    assert call(team, "POST", SESSIONS, body)[0] == 201
    team.inside(BEGUN.format(name=name))
    team.compose("restart", "--timeout", "20", service)
    team.compose("up", "--detach", "--wait")
    status = json.loads(team.inside(WAIT.format(name=name)))
    assert status["verdict"]["exitCode"] == 0, status
    code, log = call(team, "GET", f"{SESSIONS}/{name}")
    assert (code, log["status"]["done"]) == (200, True)
