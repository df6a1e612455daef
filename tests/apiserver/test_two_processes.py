"""Two server processes on one PostgreSQL database: what one answers, the other tells its watchers; a token is good at both."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.apiserver.storage.conftest import empty, postgresql
from upright.client import kubeconfig

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["postgresql"]  # a fixture
CMDS = "/apis/tilt.dev/v1alpha1/cmds"


@contextmanager
def server(database: str, folder: Path) -> Generator[kubeconfig.Access]:
    command = [sys.executable, "-m", "upright.apiserver", "--port=0", f"--state={folder}", f"--database={database}"]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder.parent)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        process.stderr.readline()
        try:
            yield kubeconfig.read(Path(process.stderr.readline().split()[-1]))
        finally:
            process.terminate()
            assert process.wait(20) == 0


def connected(access: kubeconfig.Access) -> HTTPSConnection:
    host, _, port = access.server.removeprefix("https://").partition(":")
    return HTTPSConnection(host, int(port), context=ssl.create_default_context(cadata=access.authority), timeout=20)


@pytest.mark.slow
def test_two_processes_on_one_database_watch_each_others_writes(postgresql: str, tmp_path: Path) -> None:
    empty(postgresql)
    with ExitStack() as stack:
        one = stack.enter_context(server(postgresql, tmp_path / "one"))
        other = stack.enter_context(server(postgresql, tmp_path / "other"))
        writing, watching = (stack.enter_context(closing(connected(access))) for access in (one, other))
        headers = {"Authorization": f"Bearer {one.token}", "Content-Type": "application/json"}
        watching.request("GET", f"{CMDS}?watch=1&timeoutSeconds=15", headers=headers)
        events = watching.getresponse()
        assert events.status == 200, "a token of one server is good at the other"
        for number in range(20):
            body = {"metadata": {"name": f"c{number}"}, "spec": {"args": ["true"]}}
            writing.request("POST", CMDS, json.dumps(body), headers)
            answer = writing.getresponse()
            made = json.loads(answer.read())
            assert answer.status == 201
            told = json.loads(events.readline())
            assert (told["type"], told["object"]) == ("ADDED", made)
