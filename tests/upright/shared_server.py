"""An API server and its controllers as two processes, for tests that start, kill and start them again."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from contextlib import closing
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from upright.apiserver.sockets import listen, port_of
from upright.client import kubeconfig
from upright.controllers.record.record_file import read

if TYPE_CHECKING:
    from pathlib import Path

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"
_UPRIGHT = [sys.executable, "-m", "upright.client.cli"]


class SharedServer:
    """Both processes; ``close`` ends what still runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.served = folder / "served"
        self.served.mkdir()
        sockets = listen("127.0.0.1", 0)
        self._port = port_of(sockets)
        for bound in sockets:
            bound.close()
        self._environment = os.environ | {"XDG_RUNTIME_DIR": str(folder), "XDG_STATE_HOME": str(folder / "home")}
        self._processes: dict[str, subprocess.Popen[str]] = {}

    async def start_server(self) -> None:
        """Start the API server, and wait until its kubeconfig leads somewhere."""
        await self._start(
            "apiserver",
            "kubectl",
            "--port=0",
            f"--secure-port={self._port}",
            f"--state={self.folder / 'server'}",
            f"--runs={self.folder / 'runs'}",
        )

    async def start_controllers(self, *more: str) -> None:
        """Start controllers, and wait until they lead."""
        await self._start(
            "controllers",
            "Running the sessions",
            f"--kubeconfig={self.folder / 'server' / 'kubeconfig'}",
            f"--serve-directory={self.served}",
            f"--state={self.folder / 'runs'}",
            *more,
        )

    async def _start(self, command: str, awaited: str, *flags: str) -> None:
        process = subprocess.Popen(  # noqa: ASYNC220  reason: starting takes no time
            [*_UPRIGHT, command, *flags], env=self._environment, stderr=subprocess.PIPE, text=True
        )
        self._processes[command] = process
        await anyio.to_thread.run_sync(_until, process, awaited)

    def kill(self, command: str) -> None:
        """Kill -9."""
        process = self._processes.pop(command)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stderr
        process.stderr.close()

    async def stop(self, command: str) -> int:
        """Ask it to end, and return its exit code."""
        process = self._processes.pop(command)
        process.terminate()
        code = await anyio.to_thread.run_sync(process.wait)
        assert process.stderr
        process.stderr.close()
        return code

    def close(self) -> None:
        for command in list(self._processes):
            self.kill(command)

    def project(self, name: str, tiltfile: str) -> Path:
        """Write a Tiltfile that is served, and return its path."""
        folder = self.served / name
        folder.mkdir()
        (folder / "Tiltfile").write_text(tiltfile)
        return folder / "Tiltfile"

    async def post(self, name: str, tiltfile: Path) -> None:
        """Ask for a Session."""
        body = {"metadata": {"name": name}, "spec": {"tiltfilePath": str(tiltfile)}}
        code, told = await self.ask("POST", SESSIONS, body)
        assert code == 201, told

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Call the server as an admin."""
        status, told = await anyio.to_thread.run_sync(self._asked, method, path, body)
        return status, json.loads(told)

    async def text(self, path: str) -> str:
        """Return a text that the server has, read to its end."""
        status, told = await anyio.to_thread.run_sync(self._asked, "GET", path, None)
        assert status == 200, told
        return told.decode()

    def _asked(self, method: str, path: str, body: object) -> tuple[int, bytes]:
        access = kubeconfig.read(self.folder / "server" / "kubeconfig")
        tls = ssl.create_default_context(cadata=access.authority)
        with closing(HTTPSConnection("127.0.0.1", self._port, context=tls, timeout=30)) as connection:
            connection.request(
                method, path, json.dumps(body) if body else None, {"Authorization": f"Bearer {access.token}"}
            )
            answer = connection.getresponse()
            return answer.status, answer.read()

    async def status(self, name: str, *, until: str = "done", seconds: float = 50) -> dict[str, Any]:
        """Return a Session's status once it is done, or has what ``until`` says; it may be read often meanwhile."""
        with anyio.fail_after(seconds):
            while True:
                status = (await self.ask("GET", f"{SESSIONS}/{name}"))[1]["status"]
                if status.get(until):
                    return dict(status)
                await anyio.sleep(0.2)

    def folder_of(self, session: str) -> Path:
        """Return where the controllers keep what is the Session's."""
        (folder,) = (self.folder / "runs" / "sessions").glob(f"{session}-????????")
        return folder

    async def replayed(self, session: str) -> tuple[int, str]:
        """Play the record of a Session that is done; return the exit code and what is said."""
        record = self.folder_of(session) / "record"
        with anyio.fail_after(30):
            while "end" not in read(record)[-1]:  # noqa: ASYNC110  reason: another process
                await anyio.sleep(0.1)
        told = await anyio.run_process([*_UPRIGHT, "replay", str(record)], check=False)
        return told.returncode, told.stdout.decode() + told.stderr.decode()

    def log(self, session: str) -> str:
        """Return all that was logged of a Session."""
        return "".join(path.read_text() for path in sorted((self.folder_of(session) / "logs").glob("*.log")))


def _until(process: subprocess.Popen[str], awaited: str) -> None:
    assert process.stderr
    told = ""
    for line in process.stderr:
        told += line
        if awaited in line:
            return
    raise AssertionError(f"it ended before it said {awaited!r}:\n{told}")
