"""One Session of a shared server: run as ``upright ci`` runs its own, with its objects on the server under its name."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import anyio

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
from upright.openapi.v1alpha1.session import Session
from upright.run_folder import RunFolder, forget_credentials
from upright.wiring import Wiring, controllers

if TYPE_CHECKING:
    from pathlib import Path

    from upright.client.cli.options import CiOptions
    from upright.client.client import Client
    from upright.openapi.scheme import Scheme

LOGS_SECONDS = 2.0


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
    async with Logs(folder.logs, utc_now, secrets.scrub) as logs, LocalProcesses() as processes:
        resumed = session.status.start_time is not None
        told = "Resumed after a restart: what is finished stays, what was running runs again" if resumed else "Started"
        logs.open("upright", "").write(f"{told}: session {session.name}, {session.spec.tiltfile_path}")
        wiring = Wiring(options, folder, logs, processes, secrets, port=0)
        clean = partial(without_secrets, secrets=secrets)
        manager = Manager(client, utc_now, [SessionController(os.getpid()), *controllers(wiring)], clean)
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
            await done.wait()
            await all_read(manager.caches, LOGS_SECONDS)
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
