"""A server in a process of its own, found by its file as a person's commands find it."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from dataclasses import dataclass
from http.client import HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from upright.client import kubeconfig
from upright.client.cli.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from upright.openapi.meta import Json

API = "/apis/tilt.dev/v1alpha1"


@dataclass(frozen=True)
class Served:
    """The server's process and what it said of itself."""

    process: subprocess.Popen[str]
    folder: Path
    port: int

    def write(self, method: str, path: str, body: Json) -> None:
        access = kubeconfig.read(self.folder / "kubeconfig")
        address = urlsplit(access.server)
        trust = ssl.create_default_context(cadata=access.authority)
        connection = HTTPSConnection(address.hostname or "", address.port, context=trust)
        headers = {"Authorization": f"Bearer {access.token}", "Content-Type": "application/json"}
        connection.request(method, API + path, json.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        assert answer.status < 300, said

    def create(self, kind: str, name: str, **rest: object) -> None:
        metadata = {"name": name, "labels": rest.pop("labels", {})}
        body = {"apiVersion": "tilt.dev/v1alpha1", "kind": kind, "metadata": metadata, **rest}
        self.write("POST", f"/{kind.lower()}s", body)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder from which the server is started; its runtime directory is beside it."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def served(home: Path) -> Iterator[Served]:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(home / "run"), "XDG_STATE_HOME": str(home / "state")}
    command = [sys.executable, "-m", "upright.client.cli", "apiserver", "--port=0", f"--state={home / 'server'}"]
    with subprocess.Popen(command, cwd=home, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        port = int(process.stderr.readline().rpartition(":")[2])
        assert "kubeconfig" in process.stderr.readline()
        found = Served(process, home / "server", port)
        found.create("Session", "Tiltfile", spec={"tiltfilePath": "/shop/Tiltfile", "exitCondition": "ci"})
        for name in ("db", "web"):
            spec = {"kind": "local", "local": {"update": {"args": ["true"]}}}
            found.create("Resource", name, labels={"app": name}, spec=spec)
        found.create("Cmd", "smoke:update", spec={"args": ["true"]})
        yield found
        process.terminate()
        assert process.wait(10) == 0
    assert not list((home / "run" / "upright").iterdir())


@dataclass
class CommandLine:
    """Runs command lines in this process."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Return the exit code, stdout and stderr."""
        code = main(words)
        said = self.capture.readouterr()
        return code, said.out, said.err


@pytest.fixture
def upright(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    """A command line where no server runs."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("PORT", "HOST"):
        monkeypatch.delenv(f"UPRIGHT_{name}", raising=False)
        monkeypatch.delenv(f"TILT_{name}", raising=False)
    return CommandLine(capsys)


@pytest.fixture
def beside(upright: CommandLine, served: Served, home: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A command line from which the server is found."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(served.folder.parent / "run"))
    monkeypatch.chdir(home)
    return upright


STAYING = """
ci_settings(stable_for='100ms')
local_resource('one', cmd='echo hello from one; echo careful >&2', labels=['front'])
local_resource('two', cmd='echo two', serve_cmd='echo serving; exec sleep 1000', labels=['back'])
local_resource('late', cmd='echo late', auto_init=False, labels=['back'])
"""


@dataclass(frozen=True)
class Staying:
    """``upright ci --stay`` of a Tiltfile in a folder of its own, which has come to its verdict."""

    process: subprocess.Popen[bytes]
    folder: Path

    def __call__(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command line in its folder, in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "upright.client.cli", *words],
            cwd=self.folder,
            env=environment_in(self.folder) | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def until(self, what: str, path: str, value: str) -> None:
        """Wait for a value of an object."""
        waited = self("wait", f"--for=jsonpath={path}={value}", what, "--timeout=20s")
        assert waited.returncode == 0, waited.stderr


def environment_in(folder: Path) -> dict[str, str]:
    """Return an environment in which a run finds and leaves nothing but in this folder."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("KUBE", "UPRIGHT_", "TILT_"))}
    places = {"HOME": "", "XDG_RUNTIME_DIR": "run", "XDG_STATE_HOME": "state", "TILT_DEV_DIR": "tilt-dev"}
    return kept | {name: str(folder / below) for name, below in places.items()}


@pytest.fixture(scope="session")
def staying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staying]:
    folder = tmp_path_factory.mktemp("staying")
    (folder / "Tiltfile").write_text(STAYING, encoding="utf-8")
    command = [sys.executable, "-m", "upright.client.cli", "ci", "--stay", "--port=0"]
    with subprocess.Popen(
        command, cwd=folder, env=environment_in(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"Upright started on")
        found = Staying(process, folder)
        found.until("session/Tiltfile", "{.status.done}", "true")
        yield found
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
