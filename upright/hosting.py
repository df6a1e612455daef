"""The Sessions of a shared server: each that is posted is run, side by side with others; finished ones are kept for a while."""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
import anyio.to_thread

from upright.controllers.runtime.controller import Controller, Outcome
from upright.hosted_session import folder_of, run_session
from upright.openapi.errors import APIError, Conflict, NotFound
from upright.openapi.v1alpha1.session import Session, SessionStatus, Verdict
from upright.pruning import Finished, Keep, size_of, surplus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from anyio.abc import TaskStatus

    from upright.client.cli.options import CiOptions
    from upright.client.client import Client
    from upright.controllers.runtime.turn import Caches, Turn
    from upright.openapi.meta import Object
    from upright.openapi.scheme import Scheme

FINALIZER = "tilt.dev/session"
"""A Session is kept until its run has ended, and its objects and its folder are gone."""

LOOK_AGAIN_SECONDS = 2.0
PRUNE_SECONDS = 60.0
_USAGE_ERROR, _CANNOT_TELL = 2, 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hosting:
    """How Sessions are run: where Tiltfiles may be, where files go, how many at once, how much is kept; ``options`` of each."""

    served: tuple[Path, ...]
    state: Path
    options: CiOptions
    at_once: int = 8
    keep: Keep = field(default_factory=Keep)


class HostController(Controller[Session]):
    """Runs every Session that is not done. ``client_of`` leads to a Session's own objects."""

    kind: ClassVar[type[Object]] = Session
    heeds_status: ClassVar[bool] = False
    finalizer: ClassVar[str] = FINALIZER

    def __init__(self, hosting: Hosting, client_of: Callable[[str], Client], scheme: Scheme) -> None:
        self._hosting = hosting
        self._client_of = client_of
        self._scheme = scheme
        self._room = anyio.CapacityLimiter(hosting.at_once)

    async def reconcile(self, turn: Turn[Session]) -> Outcome:
        session = turn.obj
        if session.status.done:
            return Outcome()
        if refusal := await anyio.to_thread.run_sync(refused, session.spec.tiltfile_path, self._hosting.served):
            await turn.tasks.end("run")
            return Outcome(_ended(session, "failed", refusal, _USAGE_ERROR, turn.now))
        view = turn.tasks.ensure("run", session.metadata.uid, partial(self._run, session))
        if not view.done:
            return Outcome()
        if view.error is not None:
            _log.error("session %s broke", session.name, exc_info=view.error)
            reason = f"cannot tell: a fault of upright's own: {_first(view.error)!r}"
            return Outcome(_ended(session, "unknown", reason, _CANNOT_TELL, turn.now))
        return Outcome(after=LOOK_AGAIN_SECONDS)  # it is done; the mirror does not know it yet

    async def _run(self, session: Session, _report: Callable[[Any], None]) -> None:
        options = self._hosting.options._replace(file=session.spec.tiltfile_path)
        async with self._room:
            folder = folder_of(self._hosting.state, session)
            await run_session(session, options, self._client_of(session.name), self._scheme, folder)

    async def finalize(self, turn: Turn[Session]) -> None:
        """Delete all that was the Session's; its run has ended by now."""
        client = self._client_of(turn.obj.name)
        for kind in self._scheme:
            if kind is not Session and not kind.definition.view_of:
                for obj in (await client.list(kind)).items:
                    await _delete(client, obj)
        folder = folder_of(self._hosting.state, turn.obj).path
        await anyio.to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))


class Pruner:
    """Deletes finished Sessions that have been kept long enough; what was theirs goes with them."""

    def __init__(self, caches: Caches, hosting: Hosting, clock: Callable[[], datetime]) -> None:
        self._caches = caches
        self._hosting = hosting
        self._clock = clock
        caches.of(Session)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Prune now and then, until cancelled."""
        task_status.started()
        while True:
            await self.prune()
            await anyio.sleep(PRUNE_SECONDS)

    async def prune(self) -> None:
        """Prune once."""
        done = [
            one for one in self._caches.of(Session).all() if one.status.done and not one.metadata.deletion_timestamp
        ]
        finished = await anyio.to_thread.run_sync(self._measured, done)
        for name in surplus(finished, self._hosting.keep, self._clock()):
            with suppress(APIError):
                await self._caches.client.delete(Session, name)

    def _measured(self, done: list[Session]) -> list[Finished]:
        now = self._clock()
        return [
            Finished(
                one.name,
                one.status.verdict.time or one.metadata.creation_timestamp or now,
                size_of(folder_of(self._hosting.state, one).path),
            )
            for one in done
        ]


def refused(tiltfile: str, served: tuple[Path, ...]) -> str:
    """Return why a Tiltfile may not be run here; nothing if it may. Blocks: links are followed to where they lead."""
    if not served:
        return "this server runs no Tiltfiles: start its controllers with --serve-directory DIR"
    path = Path(tiltfile)
    real = path.resolve()
    if path.is_absolute() and any(real.is_relative_to(folder.resolve()) for folder in served):
        return ""
    folders = ", ".join(str(folder) for folder in served)
    return f"{tiltfile} is not under a directory that this server serves ({folders}): say its absolute path there"


async def _delete(client: Client, obj: Object) -> None:
    """Delete the object at once: whoever would finalize it has ended."""
    for _ in range(3):
        with suppress(NotFound, Conflict):
            if obj.metadata.finalizers:
                meta = obj.metadata.model_copy(update={"finalizers": ()})
                obj = await client.update(obj.model_copy(update={"metadata": meta}))
            await client.delete(type(obj), obj.name, namespace=obj.metadata.namespace, propagation="Background")
            return
        try:
            obj = await client.get(type(obj), obj.name, namespace=obj.metadata.namespace)
        except NotFound:
            return


def _ended(session: Session, state: str, reason: str, code: int, now: datetime) -> SessionStatus:
    verdict = Verdict(state=state, reason=reason, exit_code=code, time=now)  # type: ignore[arg-type]  # the caller's words are of them
    return session.status.model_copy(update={"done": True, "error": reason, "verdict": verdict})


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
