"""A server in a process of its own, found by its file as a person's commands find it."""

from __future__ import annotations

import json
import os
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
