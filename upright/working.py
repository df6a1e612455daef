"""What works in a run: controllers, engine, logs, processes; started together, and ended so that nothing is left."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from upright import __version__
from upright.apiserver.clock import utc_now
from upright.client.cli.interruption import SIGNALS
from upright.controllers.garbage_collector import GarbageCollector
from upright.controllers.log_completeness import all_read
from upright.controllers.runtime.manager import Manager
from upright.controllers.session import SessionController
from upright.controllers.status_texts import without_secrets
from upright.controllers.ui_session import tell_ui_session
from upright.controllers.verdict.cards import with_whole_log
from upright.controllers.world.logs import Logs
from upright.controllers.world.processes import LocalProcesses
from upright.controllers.world.secrets import Secrets
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.limits import Limits
from upright.openapi.v1alpha1.resource import Resource
from upright.openapi.v1alpha1.session import Session, SessionCISpec, SessionSpec
from upright.openapi.v1alpha1.ui_button import UIButton
from upright.outputs import Ended
from upright.recording import end_record, recording
from upright.run_folder import forget_credentials
from upright.telling import Teller
from upright.wiring import Wiring, controllers

if TYPE_CHECKING:
    import signal

    from upright.client.cli.options import CiOptions
    from upright.client.client import Client
    from upright.controllers.record.recorder import RecordingJudge
    from upright.running import Run

GRACE_AFTER_SIGNAL_SECONDS = 10.0
LOGS_SECONDS = 2.0
LOOK_AHEAD_SECONDS = 1.0
READINESS_TIMEOUT_MINUTES = 5
SESSION = "Tiltfile"


async def to_the_end(run: Run) -> tuple[Ended, Teller]:
    """Work until the Session is done; return how it ended when nothing that was started is left, and all logs are printed."""
    secrets, teller = Secrets(), Teller(run.options, run.folder.logs)
    paths = (run.folder.record, *([Path(run.options.record)] if run.options.record else []))
    with recording(paths, run.options.file, run.folder.logs, secrets) as judge:
        await _work(run, secrets, teller, judge)
        return await _ended(run, secrets, judge), teller


async def _work(run: Run, secrets: Secrets, teller: Teller, judge: RecordingJudge) -> None:
    """Work until the Session is done; when this returns, nothing that was started is left, and all logs are printed."""
    session, processes = SessionController(os.getpid(), run.options.args, judge), LocalProcesses()
    leave = anyio.Event()
    if not run.options.stay:
        leave.set()

    def hear(number: signal.Signals) -> None:
        leave.set()
        processes.hurry(0 if session.interrupted else GRACE_AFTER_SIGNAL_SECONDS)
        session.interrupt(number.name, SIGNALS[number])

    run.heeding.tell(hear)
    async with (
        anyio.create_task_group() as printing,
        Logs(run.folder.logs, utc_now, secrets.scrub) as logs,
        processes,
    ):
        run.server.logs.open(logs)
        teller.begin()
        printing.start_soon(teller.stream, logs)
        _greet(run, logs)
        wiring = Wiring(run.options, run.folder, logs, processes, secrets, port=run.port)
        wiring.judge = judge
        clean = partial(without_secrets, secrets=secrets)
        manager = Manager(run.client, utc_now, [session, *controllers(wiring)], clean)
        manager.services.append(GarbageCollector(manager.caches, run.scheme))
        teller.listen(manager.caches.of(Resource), f"{run.server.url}/")
        try:
            await _control(run, manager, wiring, teller, leave)
        finally:
            forget_credentials(run.folder.cluster)


async def _ended(run: Run, secrets: Secrets, judge: RecordingJudge) -> Ended:
    session = await run.client.get(Session, SESSION)
    resources = (await run.client.list(Resource)).items
    report = end_record(judge, session, resources, run.folder.logs, secrets)
    clusters, buttons = [(await run.client.list(kind)).items for kind in (Cluster, UIButton)]
    return Ended(
        report,
        session.to_wire(),
        tuple(one.to_wire() for one in resources),
        tuple(one.to_wire() for one in clusters),
        tuple(one.to_wire() for one in buttons),
        run.folder.logs,
        secrets.scrub,
    )


async def _control(run: Run, manager: Manager, wiring: Wiring, teller: Teller, leave: anyio.Event) -> None:
    """Run the controllers until the Session is done, and may end; when this returns, nothing they started is left."""
    async with anyio.create_task_group() as engines:
        engines.start_soon(wiring.engines.run)
        async with anyio.create_task_group() as working:
            await working.start(manager.run)
            working.start_soon(teller.fold, wiring.logs)
            working.start_soon(teller.live)
            working.start_soon(wiring.judge.run)
            working.start_soon(_look_ahead)
            await run.client.create(wanted(run.options))
            await tell_ui_session(run.client, wanted(run.options).spec.tiltfile_path, utc_now())
            await _until_done(run.client)
            await all_read(manager.caches, LOGS_SECONDS, wiring.logs.size)
            await _complete_cards(run.client, wiring)
            await leave.wait()
            working.cancel_scope.cancel()
        engines.cancel_scope.cancel()


async def _look_ahead() -> None:
    """Import what the end needs, in a run that waits for others by now: the verdict is said the sooner."""
    await anyio.sleep(LOOK_AHEAD_SECONDS)
    await anyio.to_thread.run_sync(import_module, "upright.conclusion")


def wanted(options: CiOptions) -> Session:
    """Return the Session that the options ask for."""
    ci = SessionCISpec(timeout=options.timeout, readiness_timeout=timedelta(minutes=READINESS_TIMEOUT_MINUTES))
    spec = SessionSpec(
        tiltfile_path=str(Path(options.file).absolute()),
        exit_condition="ci",
        ci=ci,
        fail_fast=options.fail_fast,
        limits=options.limits or Limits(),
    )
    return Session(metadata=ObjectMeta(name=SESSION), spec=spec)


async def _until_done(client: Client) -> None:
    async with client.watch(Session) as changes:
        async for change in changes:
            if change.body.get("status", {}).get("done"):
                return
    message = "the server ended before the run did"
    raise RuntimeError(message)


async def _complete_cards(client: Client, wiring: Wiring) -> None:
    """Have the Session's failure cards show their logs to the end, which has been read by now."""
    done = await client.get(Session, SESSION)
    cards = tuple(with_whole_log(card, wiring.tail) for card in done.status.failures)
    if cards != done.status.failures:
        status = done.status.model_copy(update={"failures": cards})
        await client.update_status(done.model_copy(update={"status": status}))


def _greet(run: Run, logs: Logs) -> None:
    writer = logs.open("upright", "")
    writer.write(f"Upright started on {run.server.url}/")
    writer.write(f"v{__version__}")
