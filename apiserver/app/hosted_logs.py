"""The logs of a shared server's Sessions, which the controllers write in another process: read from their folder."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from upright.apiserver.options import Target
from upright.client.log_folder import LogFolder, Piece, Selection, Span
from upright.client.session_folder import LOGS, session_folder
from upright.openapi.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from upright.apiserver.registry import Registry
    from upright.apiserver.storage.records import Stored
    from upright.client.logs import LogLine

_SESSIONS = ("tilt.dev", "v1alpha1", "sessions")
LOOK_SECONDS = 0.1
"""How often a file is looked at that another process writes to: each span's writer waits 0.02 s for more lines."""

QUIET_LOOKS = 10
"""How often there must be nothing new after the Session's end: its last lines are read and written after its verdict."""


class HostedLogs:
    """Finds the logs of Sessions; ``runs`` is the controllers' folder (``--state``), where this process can see it."""

    def __init__(self, registry: Registry, runs: Path | None) -> None:
        self._registry = registry
        self._runs = runs

    def of(self, name: str) -> SessionLogs:
        """Return the logs of a Session. Raises NotFound for one that is not there, or where its files are out of sight."""
        stored = self._session(name)
        if self._runs is None:
            raise NotFound(
                f"the log of session {name} is in its folder, with the controllers that run it: start the API server "
                "with --runs and their --state folder, to have it served"
            )
        folder = session_folder(self._runs, name, stored.body["metadata"]["uid"])
        return SessionLogs(LogFolder(folder / LOGS), partial(self._done, name))

    def _done(self, name: str) -> bool:
        try:
            return bool(self._session(name).body.get("status", {}).get("done"))
        except NotFound:
            return True

    def _session(self, name: str) -> Stored:
        kind = self._registry.scheme.by_plural(*_SESSIONS)
        if kind is None:
            raise NotFound("there are no sessions here")
        return self._registry.get(Target(kind, "", name, "", name))


class SessionLogs:
    """The logs of one Session, as they are on disk; ``done`` says whether more will come."""

    def __init__(self, folder: LogFolder, done: Callable[[], bool]) -> None:
        self._folder = folder
        self._done = done

    def read(self, selection: Selection) -> Iterator[LogLine]:
        """Return the lines written so far, in order."""
        return self._folder.read(selection)

    def subscribe(self) -> Following:
        """Return the lines to come, until the Session is done."""
        return Following(self._folder, self._done)


class Following:
    """Looks again and again how far the files have got, and reads what is new. Use it as a context."""

    def __init__(self, folder: LogFolder, done: Callable[[], bool]) -> None:
        self._folder = folder
        self._done = done
        self._seen = {span.name: size for span, size in _sizes(folder)}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """There is nothing to end."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[LogLine]:
        quiet = 0
        while quiet < QUIET_LOOKS:
            if lines := await anyio.to_thread.run_sync(self._news):
                return lines
            quiet = quiet + 1 if self._done() else 0
            await anyio.sleep(LOOK_SECONDS)
        raise StopAsyncIteration

    def _news(self) -> list[LogLine]:
        pieces = [
            Piece(span, self._seen.get(span.name, 0), size)
            for span, size in _sizes(self._folder)
            if size > self._seen.get(span.name, 0) and self._folder.ends_whole(span)
        ]
        self._seen.update((piece.span.name, piece.end) for piece in pieces)
        return list(self._folder.lines(pieces, Selection()))


def _sizes(folder: LogFolder) -> list[tuple[Span, int]]:
    return [(span, folder.size(span)) for span in folder.spans()]
