"""What works in a run: controllers, engine, logs, processes; started together, and ended so that nothing is left."""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from upright import __version__
from upright.apiserver.clock import utc_now
from upright.client.cli.log_lines import LogFilter, LogPrinter
from upright.client.cli.log_stream import print_logs
from upright.client.log_folder import Selection
from upright.controllers.garbage_collector import GarbageCollector
from upright.controllers.log_completeness import all_read
from upright.controllers.runtime.manager import Manager
from upright.controllers.session import SessionController
from upright.controllers.verdict.cards import with_whole_log
from upright.controllers.world.logs import Logs
from upright.controllers.world.processes import LocalProcesses
from upright.controllers.world.secrets import Secrets
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.limits import Limits
from upright.openapi.v1alpha1.session import Session, SessionCISpec, SessionSpec
from upright.wiring import Wiring, controllers

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

    from upright.client.cli.options import CiOptions
    from upright.client.client import Client
    from upright.running import Run

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
GRACE_AFTER_SIGNAL_SECONDS = 10.0
LOGS_SECONDS = 2.0
READINESS_TIMEOUT_MINUTES = 5
SESSION = "Tiltfile"


async def to_the_end(run: Run) -> Session:
    """Work until the Session is done; return it when nothing that was started is left, and all logs are printed."""
    session, processes = SessionController(os.getpid(), run.options.args), LocalProcesses()
    async with anyio.create_task_group() as heeding:
        await heeding.start(_heed_signals, processes, session)
        await _work(run, session, processes)
        heeding.cancel_scope.cancel()
    return await run.client.get(Session, SESSION)


async def _work(run: Run, session: SessionController, processes: LocalProcesses) -> None:
    secrets = Secrets()
    async with (
        anyio.create_task_group() as printing,
        Logs(run.folder.logs, utc_now, secrets.scrub) as logs,
        processes,
    ):
        printing.start_soon(_print, run.options, logs)
        _greet(run, logs)
        wiring = Wiring(run.options, run.folder, logs, processes, secrets, port=run.port)
        manager = Manager(run.client, utc_now, [session, *controllers(wiring)])
        manager.services.append(GarbageCollector(manager.caches, run.scheme))
        await _control(run, manager, wiring)


async def _control(run: Run, manager: Manager, wiring: Wiring) -> None:
    """Run the controllers until the Session is done; when this returns, nothing they started is left."""
    async with anyio.create_task_group() as engines:
        engines.start_soon(wiring.engines.run)
        async with anyio.create_task_group() as working:
            await working.start(manager.run)
            await run.client.create(wanted(run.options))
            await _until_done(run.client)
            await all_read(manager.caches, LOGS_SECONDS)
            await _complete_cards(run.client, wiring)
            working.cancel_scope.cancel()
        engines.cancel_scope.cancel()


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


async def _heed_signals(
    processes: LocalProcesses, session: SessionController, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Have the first signal end the run in order, and the second at once."""
    with anyio.open_signal_receiver(*SIGNALS) as received:
        task_status.started()
        async for number in received:
            processes.hurry(0 if session.interrupted else GRACE_AFTER_SIGNAL_SECONDS)
            session.interrupt(signal.Signals(number).name, SIGNALS[signal.Signals(number)])


async def _print(options: CiOptions, logs: Logs) -> None:
    """Print the logs as they come; a reader that goes away ends the printing, not the run."""
    level = {"warn": "WARN", "error": "ERROR"}.get(options.log_level)
    filtered = LogFilter(
        frozenset(options.log_resources),
        level,  # type: ignore[arg-type]  # two of the levels
        options.log_source,
        "DEBUG" if options.debug else "VERBOSE" if options.verbose else "INFO",
    )
    async with logs.follow(Selection()) as lines:
        try:
            await print_logs(lines, LogPrinter(filtered, colour=options.color), sys.stdout.buffer)
        except BrokenPipeError:
            return


def _greet(run: Run, logs: Logs) -> None:
    writer = logs.open("upright", "")
    writer.write(f"Upright started on {run.server.url}/")
    writer.write(f"v{__version__}")
