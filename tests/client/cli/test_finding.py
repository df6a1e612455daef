"""Which server a command asks: the paragraph of the command line's contract, a sentence a test, with real processes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.client.cli.conftest import environment_in

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Apiserver:
    """``upright apiserver``, started in a folder."""

    process: subprocess.Popen[str]
    folder: Path
    port: int

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@dataclass(frozen=True)
class User:
    """Somebody with a home; what runs in it is found from it."""

    home: Path

    @property
    def files(self) -> list[Path]:
        """The discovery files there are."""
        return sorted((self.home / "run" / "upright").glob("*.json"))

    @contextmanager
    def serving(self, folder: str) -> Generator[Apiserver]:
        """Run a server that was started in this folder."""
        where = self.home / folder
        where.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "upright.client.cli", "apiserver", "--port=0", f"--state={where / 'state'}"]
        with subprocess.Popen(
            command, cwd=where, env=environment_in(self.home), stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            port = int(process.stderr.readline().rpartition(":")[2])
            assert "kubeconfig" in process.stderr.readline()
            try:
                yield Apiserver(process, where, port)
            finally:
                process.kill()

    def get(self, folder: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Ask for the sessions from this folder."""
        where = self.home / folder
        where.mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, "-m", "upright.client.cli", "get", "session", *words],
            cwd=where,
            env=environment_in(self.home) | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def port_asked(self, folder: str, *words: str, **variables: str) -> int:
        """Return the port of the server that is asked from this folder; each has a Session of its port's name."""
        found = self.get(folder, "-o", "jsonpath={.items[*].metadata.name}", *words, **variables)
        assert found.returncode == 0, found.stderr
        return int(found.stdout.removeprefix("at-"))


def named(server: Apiserver) -> Apiserver:
    """Have a Session of the port's name on the server."""
    body = {"apiVersion": "tilt.dev/v1alpha1", "kind": "Session", "metadata": {"name": f"at-{server.port}"}}
    file = server.folder / "session.json"
    file.write_text(json.dumps(body | {"spec": {"tiltfilePath": "/Tiltfile"}}))
    made = subprocess.run(
        [sys.executable, "-m", "upright.client.cli", "create", "-f", str(file)],
        cwd=server.folder,
        env=environment_in(server.folder.parent),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return server


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def test_it_is_the_one_of_the_directory_else_the_only_one_else_there_is_a_list(user: User) -> None:
    with user.serving("one") as first:
        named(first)
        assert user.port_asked("one") == first.port
        assert user.port_asked("elsewhere") == first.port
        with user.serving("two") as second:
            named(second)
            assert user.port_asked("one") == first.port
            assert user.port_asked("two") == second.port
            found = user.get("elsewhere")
            assert (found.returncode, found.stdout) == (3, "")
            assert "several uprights are running: choose one with --port or UPRIGHT_PORT\n" in found.stderr
            rows = [f"  --port {one.port}  {one.folder}\n" for one in sorted((first, second), key=lambda one: one.port)]
            assert found.stderr.endswith("".join(rows))
            assert user.port_asked("elsewhere", f"--port={second.port}") == second.port
            assert user.port_asked("one", UPRIGHT_PORT=str(second.port)) == second.port
            assert user.port_asked("one", TILT_PORT=str(second.port)) == second.port
            assert user.port_asked("one", UPRIGHT_PORT=str(first.port), TILT_PORT=str(second.port)) == first.port
            assert user.port_asked("two", f"--port={first.port}", UPRIGHT_PORT=str(second.port)) == first.port
            assert user.port_asked("one", UPRIGHT_PORT="0") == first.port


def test_where_nothing_runs_that_is_said_with_how_to_start_one(user: User) -> None:
    found = user.get("here")
    assert (found.returncode, found.stdout) == (3, "")
    assert found.stderr == (
        'Error: no upright is running here: start one with "upright ci" or "upright apiserver", '
        "or say where it is with --port\n"
    )
    away = user.get("here", "--port=1")
    assert (away.returncode, away.stdout) == (3, "")
    assert (
        'nothing answers at http://localhost:1 ([Errno 111] Connection refused): start one with "upright ci"'
        in away.stderr
    )


def test_a_server_that_is_killed_while_it_answers_is_told(user: User) -> None:
    with user.serving("one") as server:
        named(server)
        upright = [sys.executable, "-m", "upright.client.cli"]
        command = [*upright, "get", "session", "-w", "-o", "name"]
        with subprocess.Popen(
            command,
            cwd=server.folder,
            env=environment_in(user.home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as watching:
            assert watching.stdout is not None
            assert watching.stdout.readline() == f"session.tilt.dev/at-{server.port}\n"
            label = [*upright, "label", "session", f"at-{server.port}", "seen=yes"]
            subprocess.run(label, cwd=server.folder, env=environment_in(user.home), check=True, capture_output=True)
            assert watching.stdout.readline()
            server.end(signal.SIGKILL)
            _, said = watching.communicate(timeout=20)
        assert watching.returncode == 3
        assert f"the server at http://localhost:{server.port} is gone" in said


def test_a_process_that_has_ended_is_no_server_though_nobody_has_heard_of_its_end(user: User) -> None:
    with user.serving("one") as server:
        server.process.kill()
        os.waitid(os.P_PID, server.process.pid, os.WEXITED | os.WNOWAIT)
        assert "no upright is running here" in user.get("one").stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_each_server_has_a_file_for_its_owner_only_which_is_removed_at_exit(user: User, number: signal.Signals) -> None:
    with user.serving("one") as server:
        (file,) = user.files
        assert file.name == f"{server.process.pid}.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        said = json.loads(file.read_text())
        assert (said["port"], said["cwd"]) == (server.port, str(server.folder))
        server.end(number)
    assert user.files == []


def test_the_file_of_a_server_that_was_killed_is_recognised_and_goes_with_the_next(user: User) -> None:
    with user.serving("one") as server:
        server.end(signal.SIGKILL)
    (stale,) = user.files
    found = user.get("one")
    assert found.returncode == 3
    assert "no upright is running here" in found.stderr
    said = json.loads(stale.read_text())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        stale.write_text(json.dumps(said | {"pid": other.pid}))
        assert user.get("one").returncode == 3  # another process has its id now
        assert other.stdin is not None
        other.stdin.close()
    with user.serving("two") as server:
        assert [file.name for file in user.files] == [f"{server.process.pid}.json"]


def test_a_run_publishes_its_tiltfile_and_takes_its_file_back_however_it_ends(user: User) -> None:
    environment = environment_in(user.home)
    (user.home / "Tiltfile").write_text("local_resource('a', 'cat $XDG_RUNTIME_DIR/upright/*.json; exit 4')\n")
    ended = subprocess.run(
        [sys.executable, "-m", "upright.client.cli", "ci", "--port=0", "--log=json"],
        cwd=user.home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    said = next(json.loads(row["text"]) for row in map(json.loads, ended.stdout.splitlines()) if '"pid"' in row["text"])
    assert said["tiltfile"] == str(user.home / "Tiltfile")
    assert said["cwd"] == str(user.home)
    assert user.files == []


def test_a_runtime_directory_that_is_not_there_does_not_keep_a_run_from_being_found(user: User) -> None:
    (user.home / "Tiltfile").write_text(
        f"local_resource('a', '{sys.executable} -m upright.client.cli get session -o name')\n"
    )
    environment = environment_in(user.home) | {"XDG_RUNTIME_DIR": "/proc/nowhere"}
    ended = subprocess.run(
        [sys.executable, "-m", "upright.client.cli", "ci", "--port=0"],
        cwd=user.home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "session.tilt.dev/Tiltfile" in ended.stdout
    assert not list((user.home / "state" / "upright" / "running").iterdir())
