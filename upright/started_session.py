"""Brings a Tiltfile up for a Python program: ``with ci("Tiltfile") as session``, or ``async with``; gone when the block is left.

The run is a process of its own. It ends with the thread that began it, also when that is killed.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from upright.session import RunFailed, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.client.client import Client

END_SECONDS = 30.0
"""How long a run may take to end before it is killed."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class StartedSession(Session):
    """A run that this program started, and ends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__()
        self.process = process
        self._output: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)

    @property
    def output(self) -> str:
        return "".join(self._output)

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
        for event in self.watch("/apis/session?watch=1"):
            self.status = event.get("object", {}).get("status") or {}
            if self.status.get("done"):
                break
        if self.verdict == "pending" or (check and self.verdict != "healthy"):
            reason = (self.status.get("verdict") or {}).get("reason") or self.output[-2000:]
            raise RunFailed(self, f"{self.verdict}: {reason}")

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
        self._session: StartedSession | None = None
        self._open = AsyncExitStack()

    def __enter__(self) -> StartedSession:
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

    async def __aenter__(self) -> StartedSession:
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

    def _start(self) -> StartedSession:
        process = subprocess.Popen(  # noqa: S603  reason: our own command
            [sys.executable, "-m", "upright.client.cli", "ci", "--port=0", "--stay", *self._command],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  reason: one call of the kernel, nothing that takes a lock
        )
        self._session = StartedSession(process)
        return self._session

    def _up(self, session: StartedSession) -> None:
        session.begin()
        session.await_verdict(check=self._check)

    async def _connected(self, session: StartedSession) -> Client:
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
