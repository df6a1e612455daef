"""One Session of a shared server: run as ``upright ci`` runs its own, with its objects on the server under its name."""

from __future__ import annotations

import os
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import anyio
import anyio.to_thread

from upright.apiserver.clock import utc_now
from upright.client.session_folder import session_folder
from upright.controllers.garbage_collector import GarbageCollector
from upright.controllers.log_completeness import all_read
from upright.controllers.runtime.manager import Manager
from upright.controllers.session import SessionController
from upright.controllers.status_texts import without_secrets
from upright.controllers.verdict.cards import with_whole_log
from upright.controllers.world.logs import Logs
from upright.controllers.world.processes import LocalProcesses
from upright.controllers.world.secrets import Secrets
from upright.openapi.v1alpha1.resource import Resource
from upright.openapi.v1alpha1.session import Session
from upright.recording import end_record, recording
from upright.run_folder import RunFolder, forget_credentials
from upright.wiring import Wiring, controllers

if TYPE_CHECKING:
    from pathlib import Path

    from upright.client.cli.options import CiOptions
    from upright.client.client import Client
    from upright.controllers.record.recorder import RecordingJudge
    from upright.openapi.scheme import Scheme

LOGS_SECONDS = 2.0


class Place(NamedTuple):
    """How a Session is run, and where its objects and its files are."""

    options: CiOptions
    client: Client
    scheme: Scheme
    folder: RunFolder


def folder_of(state: Path, session: Session) -> RunFolder:
    """Return where a Session's logs and its cluster's files are."""
    path = session_folder(state, session.name, session.metadata.uid)
    return RunFolder(path, path.name)


async def run_session(session: Session, options: CiOptions, client: Client, scheme: Scheme, folder: RunFolder) -> None:
    """Work until the Session is done; when this returns, or is cancelled, nothing that it started is left.

    A run that was ended midway goes on from its objects: what is finished stays finished, what ran runs again.
    """
    folder.cluster.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = Secrets()
    await anyio.to_thread.run_sync(_set_aside, folder.record)
    with recording((folder.record,), session.spec.tiltfile_path, folder.logs, secrets) as judge:
        await _run(session, Place(options, client, scheme, folder), secrets, judge)
        ended = await client.get(Session, session.name)
        if ended.status.done:
            end_record(judge, ended, (await client.list(Resource)).items, folder.logs, secrets)


def _set_aside(record: Path) -> None:
    """Keep the record of before the restart, under the next free number."""
    if record.exists():
        number = next(one for one in count(1) if not record.with_name(f"{record.name}.{one}").exists())
        record.rename(record.with_name(f"{record.name}.{number}"))


async def _run(session: Session, place: Place, secrets: Secrets, judge: RecordingJudge) -> None:
    options, client, scheme, folder = place
    async with Logs(folder.logs, utc_now, secrets.scrub) as logs, LocalProcesses() as processes:
        resumed = session.status.start_time is not None
        told = "Resumed after a restart: what is finished stays, what was running runs again" if resumed else "Started"
        logs.open("upright", "").write(f"{told}: session {session.name}, {session.spec.tiltfile_path}")
        wiring = Wiring(options, folder, logs, processes, secrets, port=0)
        wiring.judge = judge
        clean = partial(without_secrets, secrets=secrets)
        made = [SessionController(os.getpid(), judge=judge), *controllers(wiring)]
        manager = Manager(client, utc_now, made, clean)
        manager.services.append(GarbageCollector(manager.caches, scheme))
        try:
            await _work(session.name, manager, client, wiring)
        finally:
            forget_credentials(folder.cluster)


async def _work(name: str, manager: Manager, client: Client, wiring: Wiring) -> None:
    done = anyio.Event()

    def heard(_old: Session | None, new: Session | None) -> None:
        if new is None or new.status.done:
            done.set()

    manager.caches.of(Session).subscribe(heard)
    async with anyio.create_task_group() as engines:
        engines.start_soon(wiring.engines.run)
        async with anyio.create_task_group() as working:
            await working.start(manager.run)
            working.start_soon(wiring.judge.run)
            await done.wait()
            await all_read(manager.caches, LOGS_SECONDS, wiring.logs.size)
            await _complete_cards(name, client, wiring)
            working.cancel_scope.cancel()
        engines.cancel_scope.cancel()


async def _complete_cards(name: str, client: Client, wiring: Wiring) -> None:
    """Have the failure cards show their logs to the end, which has been read by now."""
    session = await client.get(Session, name)
    cards = tuple(with_whole_log(card, wiring.tail) for card in session.status.failures)
    if cards != session.status.failures:
        status = session.status.model_copy(update={"failures": cards})
        await client.update_status(session.model_copy(update={"status": status}))
