"""Brings a Tiltfile up for a Python program: ``with ci("Tiltfile") as session``, or ``async with``; gone when the block is left.

The run is a process of its own. It ends with the thread that began it, also when that is killed.
"""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import sys
import threading
from contextlib import AsyncExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upright.client.cli.cards import card_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from upright.client.client import Client

END_SECONDS = 30.0
"""How long a run may take to end before it is killed."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)

Json = dict[str, Any]  # Any: a decoded JSON document


class RunFailed(Exception):
    """The run did not become healthy; the message has the failure cards, ``session`` tells them and the verdict."""

    def __init__(self, session: Session, reason: str) -> None:
        super().__init__("\n".join([reason, *(card_lines(card).rstrip("\n") for card in session.failures)]))
        self.session = session


class Session:
    """A run: its address, its verdict, and what it brought up."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.url = ""
        self.status: Json = {}
        self._output: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._client: Client | None = None

    @property
    def output(self) -> str:
        """What the run has printed so far."""
        return "".join(self._output)

    @property
    def verdict(self) -> str:
        """``healthy``, ``failed``, ``timeout``, ``unknown`` or ``interrupted``."""
        return str((self.status.get("verdict") or {}).get("state", "pending"))

    @property
    def failures(self) -> list[Json]:
        """The failure cards, root causes first."""
        return list(self.status.get("failures") or ())

    @property
    def client(self) -> Client:
        """The typed client of the run's server; with ``async with`` only."""
        if self._client is None:
            raise RuntimeError("a client is asynchronous: begin the session with async with")
        return self._client

    def connected(self, client: Client) -> None:
        """Have this client for the block."""
        self._client = client

    def resources(self) -> dict[str, Json]:
        """Return the resources by their names, as they are now."""
        listed = self._get("/apis/resource")
        return {one["metadata"]["name"]: one for one in listed["items"]}

    def urls(self, resource: str) -> list[str]:
        """Return the addresses at which a resource is reached."""
        links = self.resources()[resource]["status"].get("endpointLinks") or ()
        return [str(link["url"]) for link in links]

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the cluster to which the run deploys; see ``Client.from_kubeconfig``."""
        for cluster in self._get("/apis/cluster")["items"]:
            resolved = (cluster.get("status") or {}).get("connection") or {}
            if path := (resolved.get("kubernetes") or {}).get("configPath"):
                return Path(path)
        raise LookupError("the run deploys to no cluster")

    def begin(self) -> None:
        """Wait until the server answers. Raises RunFailed where it does not."""
        assert self.process.stdout is not None  # noqa: S101  reason: it was started with a pipe
        first = self.process.stdout.readline()
        self._output.append(first)
        self._reader.start()
        if not first.startswith("Upright started on "):
            self._reader.join(END_SECONDS)
            raise RunFailed(self, f"the run did not start: {self.output.strip()}")
        self.url = first.split()[-1].rstrip("/")

    def await_verdict(self, *, check: bool = True) -> None:
        """Wait until the run has come to its verdict. Raises RunFailed unless it is healthy (not with ``check=False``)."""
        for event in self._watch("/apis/session?watch=1"):
            self.status = event.get("object", {}).get("status") or {}
            if self.status.get("done"):
                break
        if self.verdict == "pending" or (check and self.verdict != "healthy"):
            reason = (self.status.get("verdict") or {}).get("reason") or self.output[-2000:]
            raise RunFailed(self, f"{self.verdict}: {reason}")

    def _get(self, path: str) -> Json:
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=END_SECONDS)
        try:
            connection.request("GET", path)
            found: Json = json.loads(connection.getresponse().read())
            return found
        finally:
            connection.close()

    def _watch(self, path: str) -> Iterator[Json]:
        connection = HTTPConnection(self.url.removeprefix("http://"))
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            while line := answer.readline():
                yield json.loads(line)
        finally:
            connection.close()

    def _read(self) -> None:
        assert self.process.stdout is not None  # noqa: S101  reason: as above
        self._output.extend(iter(self.process.stdout.readline, ""))

    def end(self) -> None:
        """End the run in order, and kill it if it takes too long."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self._reader.ident is not None:
            self._reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()


class CiRun:
    """What ``ci`` returns: enter it to bring the Tiltfile up."""

    def __init__(self, command: Sequence[str], folder: Path, *, check: bool) -> None:
        self._command = command
        self._folder = folder
        self._check = check
        self._session: Session | None = None
        self._open = AsyncExitStack()

    def __enter__(self) -> Session:
        session = self._start()
        try:
            self._up(session)
        except BaseException:
            session.end()
            raise
        return session

    def __exit__(self, *_about: object) -> None:
        if self._session is not None:
            self._session.end()

    async def __aenter__(self) -> Session:
        import anyio.to_thread  # noqa: PLC0415  reason: as above

        session = self._start()
        try:
            await anyio.to_thread.run_sync(self._up, session, abandon_on_cancel=True)
            session.connected(await self._connected(session))
        except BaseException:
            await self.__aexit__()
            raise
        return session

    async def __aexit__(self, *_about: object) -> None:
        import anyio  # noqa: PLC0415  reason: as above
        import anyio.to_thread  # noqa: PLC0415  reason: as above

        with anyio.CancelScope(shield=True):
            try:
                await self._open.aclose()
            finally:
                if self._session is not None:
                    await anyio.to_thread.run_sync(self._session.end)

    def _start(self) -> Session:
        process = subprocess.Popen(  # noqa: S603  reason: our own command
            [sys.executable, "-m", "upright.client.cli", "ci", "--port=0", "--stay", *self._command],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  reason: one call of the kernel, nothing that takes a lock
        )
        self._session = Session(process)
        return self._session

    def _up(self, session: Session) -> None:
        session.begin()
        session.await_verdict(check=self._check)

    async def _connected(self, session: Session) -> Client:
        from upright.client.client import Client  # noqa: PLC0415  reason: as above

        return await self._open.enter_async_context(Client.connect(session.url))


def ci(
    tiltfile: str | Path = "Tiltfile",
    *args: str,
    cluster: str = "auto",
    flags: Sequence[str] = (),
    check: bool = True,
) -> CiRun:
    """Return a run of the Tiltfile, to be entered with ``with`` or ``async with``; it stays up until the block is left.

    ``args`` are the Tiltfile's, ``flags`` further flags of ``upright ci``. Entering raises RunFailed if it does not
    become healthy; with ``check=False`` only if it does not come to a verdict.
    """
    path = Path(tiltfile).absolute()
    command = [f"--file={path}", f"--cluster={cluster}", *flags, "--", *args]
    return CiRun(command, path.parent, check=check)


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
