"""A project folder in which ``upright ci`` runs as a process of its own, and what such a run came to."""

from __future__ import annotations

import http.client
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from upright.apiserver.storage.store import Store

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence
    from typing import IO

    from upright.openapi.meta import Json

DOCKER_CLI = ("/usr/local/bin/docker", "/usr/bin/docker")
ENGINES = ("/usr/sbin/dockerd", "/usr/bin/dockerd", "/usr/bin/podman")
UPRIGHT = Path(sys.executable).with_name("upright")
KILLED = -9
PATIENCE_SECONDS = 20.0
"""How long a line of a run may take."""
SECONDS = 50.0
"""How long a run may take at most before its test fails."""

DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
CMD ["sleep", "1000"]
"""
IMAGE = 'docker_build("toolbox", "image")\n'
"""What a Tiltfile says to have the image ``toolbox``: busybox as all its commands."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def last(self) -> str:
        """The last line on stderr."""
        return self.err.splitlines()[-1] if self.err else ""

    @property
    def sessions(self) -> list[Json]:
        """The Sessions as they stand in the database."""
        return anyio.run(_sessions, str(self.folder / "state.db"))

    @property
    def session(self) -> Json:
        (session,) = self.sessions
        return session

    @property
    def cards(self) -> list[Json]:
        """The failure cards, root causes first."""
        cards: list[Json] = self.session["status"].get("failures", [])
        return cards

    @property
    def card(self) -> Json:
        """The first failure card."""
        return self.cards[0]

    def __str__(self) -> str:
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


async def _sessions(database: str) -> list[Json]:
    async with Store.open(database) as store:
        return [stored.body for stored in store.list("tilt.dev/sessions")[0]]


class Running:
    """A run that is going on."""

    def __init__(self, process: subprocess.Popen[str], project: Project) -> None:
        self.process = process
        self.project = project
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._out: list[str] = []
        self._err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_out, args=(process.stdout,), daemon=True),
            threading.Thread(target=self._read_err, args=(process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_out(self, stream: IO[str]) -> None:
        for line in stream:
            self._out.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def _read_err(self, stream: IO[str]) -> None:
        self._err += stream

    def until(self, text: str) -> str:
        """Wait for a line with this text on stdout, and return it."""
        end = time.monotonic() + PATIENCE_SECONDS
        with suppress(queue.Empty):
            while (line := self._lines.get(timeout=max(end - time.monotonic(), 0.01))) is not None:
                if text in line:
                    return line
        raise AssertionError(f"{text!r} was not printed:\n{self.ended(seconds=0)}")

    @property
    def port(self) -> int:
        """The port that the first line names."""
        while not self._out:
            self.until("Upright started on")
        return int(self._out[0].rstrip("/\n").rpartition(":")[2])

    def get(self, path: str) -> Json:
        """Return what the run's API answers."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=10)
        try:
            connection.request("GET", path)
            found: Json = json.loads(connection.getresponse().read())
            return found
        finally:
            connection.close()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, seconds: float = SECONDS) -> Outcome:
        """Wait for its end; a run that does not end is killed."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._join()
        return Outcome(code, "".join(self._out), "".join(self._err), self.project.run_folder)

    def _join(self) -> None:
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@dataclass(frozen=True)
class Project:
    """A folder with a Tiltfile. ``home`` is for what Upright writes, ``cache`` is shared by all tests."""

    folder: Path
    home: Path
    cache: Path
    environ: Mapping[str, str] = field(default_factory=dict[str, str])

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def tiltfile(self, text: str, *objects: Json) -> None:
        """Write the Tiltfile, and the objects for its ``k8s_yaml("objects.yaml")``; it has the image ``toolbox`` if there are any."""
        if objects:
            (self.folder / "image").mkdir(exist_ok=True)
            shutil.copy("/bin/busybox", self.folder / "image" / "busybox")
            self.write("image/Dockerfile", DOCKERFILE)
            self.write("objects.yaml", "\n---\n".join(json.dumps(one, indent=1) for one in objects))
            text = f'{IMAGE}k8s_yaml("objects.yaml")\n{text}'
        self.write("Tiltfile", text)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its runs: all that they write is in ``home``."""
        places = {
            "XDG_STATE_HOME": "state",
            "XDG_RUNTIME_DIR": "runtime",
            "TMPDIR": "tmp",
            "HOME": "home",
        }
        made = {name: str(self.home / place) for name, place in places.items()}
        for place in made.values():
            Path(place).mkdir(parents=True, exist_ok=True)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DOCKER_", "KUBE", "UPRIGHT_", "TILT_", "PYTHONDONTWRITEBYTECODE"))
        }
        return kept | made | {"XDG_CACHE_HOME": str(self.cache)} | dict(self.environ)

    @property
    def run_folder(self) -> Path:
        """The folder of the newest run."""
        runs = sorted((self.home / "state/upright/runs").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return runs[-1] if runs else self.home

    def start(self, *arguments: str, hidden: Sequence[str] = ()) -> Running:
        """Start ``upright ci`` on a free port; ``hidden`` are files that it cannot see."""
        command = [str(UPRIGHT), "ci", "--port=0", "--cluster=embedded", *arguments]
        if hidden:
            covers = "".join(
                f"mount --bind /dev/null {file}\n" for file in {Path(one).resolve() for one in hidden} if file.exists()
            )
            command = ["unshare", "--mount", "sh", "-ec", f'{covers}exec "$0" "$@"', *command]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Running(process, self)

    def ci(self, *arguments: str, hidden: Sequence[str] = ()) -> Outcome:
        """Run ``upright ci`` to its end; it lets its port go and leaves nothing outside of its folders."""
        outcome = self.start(*arguments, hidden=hidden).ended()
        if outcome.out.startswith("Upright started on"):
            port = int(outcome.out.splitlines()[0].rstrip("/").rpartition(":")[2])
            assert is_free(port), f"port {port} is still in use"
        assert not list((self.home / "tmp").iterdir())
        assert not list((self.home / "runtime").glob("upright/*"))
        return outcome

    def first_line(self) -> subprocess.CompletedProcess[str]:
        """Run ``upright ci | head -1``; the exit code is that of the run."""
        command = [str(UPRIGHT), "ci", "--port=0", "--cluster=embedded"]
        return self._run(["bash", "-o", "pipefail", "-c", '"$0" "$@" | head -1', *command])

    def upright(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of Upright's, in the project's folder."""
        return self._run([str(UPRIGHT), *arguments])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=SECONDS
        )


def new_project(place: Path, cache: Path) -> Project:
    """Make a project without a Tiltfile."""
    folder = place / "project"
    folder.mkdir()
    return Project(folder, place / "home", cache)


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
