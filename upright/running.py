"""One run: what it opens, in which order, and how all of it ends."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

import upright.openapi.v1alpha1 as kinds
from upright import __version__
from upright.apiserver.clock import utc_now
from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.server import Server, Settings
from upright.apiserver.sockets import port_of
from upright.apiserver.storage.store import Store
from upright.client.cli import discovery
from upright.client.cli.cards import card_lines
from upright.client.cli.log_lines import LogFilter, LogPrinter
from upright.client.cli.log_stream import print_logs
from upright.client.client import Client
from upright.client.log_folder import Selection
from upright.controllers.garbage_collector import GarbageCollector
from upright.controllers.runtime.manager import Manager
from upright.controllers.session import SessionController
from upright.controllers.world.logs import Logs
from upright.controllers.world.processes import LocalProcesses
from upright.controllers.world.secrets import Secrets
from upright.openapi.meta import ObjectMeta
from upright.openapi.scheme import discover
from upright.openapi.v1alpha1.session import Session, SessionCISpec, SessionSpec
from upright.wiring import Wiring, controllers

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator

    from upright.client.cli.options import CiOptions
    from upright.run_folder import RunFolder

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
GRACE_AFTER_SIGNAL_SECONDS = 10.0
READINESS_TIMEOUT_MINUTES = 5
SESSION = "Tiltfile"


@dataclass(slots=True)
class Run:
    """A run that is open: its server answers, its controllers wait for the Session."""

    options: CiOptions
    folder: RunFolder
    logs: Logs
    client: Client
    server: Server
    session: SessionController
    processes: LocalProcesses
    manager: Manager
    wiring: Wiring

    @classmethod
    @asynccontextmanager
    async def open(cls, options: CiOptions, folder: RunFolder, sockets: list[socket.socket]) -> AsyncGenerator[Run]:
        """Open the store and what else the run needs; nothing runs before ``to_verdict``."""
        secrets = Secrets()
        async with (
            Store.open(options.database or str(folder.database)) as store,
            Logs(folder.logs, utc_now, secrets.scrub) as logs,
            LocalProcesses() as processes,
        ):
            scheme = discover(kinds)
            registry = Registry(scheme, store, utc_now)
            server = Server(registry, sockets, Settings(folder.path), now=utc_now)
            client = Client(InProcess(registry))
            session = SessionController(os.getpid(), options.args)
            wiring = Wiring(options, folder, logs, processes, secrets, port=port_of(sockets))
            manager = Manager(client, utc_now, [session, *controllers(wiring)])
            manager.services.append(GarbageCollector(manager.caches, scheme))
            yield cls(options, folder, logs, client, server, session, processes, manager, wiring)

    async def to_verdict(self) -> int:
        """Serve, run the controllers until the Session is done, end everything, and return the exit code."""
        async with anyio.create_task_group() as printing:
            async with anyio.create_task_group() as serving:
                await serving.start(self.server.serve)
                printing.start_soon(self._print)
                self._greet()
                serving.start_soon(self._publish)
                done = await self._controlled()
                serving.cancel_scope.cancel()
            self.logs.finish()
        return self._conclude(done)

    async def _controlled(self) -> Session:
        """Run the controllers until the Session is done; when this returns, nothing they started is left."""
        async with anyio.create_task_group() as engines:
            engines.start_soon(self.wiring.engines.run)
            async with anyio.create_task_group() as working:
                await working.start(self.manager.run)
                working.start_soon(self._heed_signals)
                await self.client.create(self._wanted())
                done = await self._until_done()
                await self.wiring.drained()
                working.cancel_scope.cancel()
            engines.cancel_scope.cancel()
        return done

    async def _publish(self) -> None:
        """Let other commands find this server, as long as it runs."""
        options = self.options
        me = discovery.this_process(
            options.host, self.wiring.port, kubeconfig=str(self.server.kubeconfig), tiltfile=options.file
        )
        discovery.write(me)
        try:
            await anyio.sleep_forever()
        finally:
            discovery.remove()

    async def _print(self) -> None:
        options = self.options
        level = {"warn": "WARN", "error": "ERROR"}.get(options.log_level.lower())
        wanted = LogFilter(
            frozenset(options.log_resources),
            level,  # type: ignore[arg-type]  # two of the levels
            options.log_source,
            "DEBUG" if options.debug else "VERBOSE" if options.verbose else "INFO",
        )
        async with self.logs.follow(Selection()) as lines:
            await print_logs(lines, LogPrinter(wanted, colour=options.color), sys.stdout.buffer)

    def _greet(self) -> None:
        writer = self.logs.open("upright", "")
        writer.write(f"Upright started on {self.server.url}/")
        writer.write(f"v{__version__}")

    def _conclude(self, done: Session) -> int:
        """Say the verdict: success on stdout, failure cards too, and the reason as the last line of stderr."""
        verdict = done.status.verdict
        if verdict.state == "healthy":
            sys.stdout.write("SUCCESS. All workloads are healthy.\n")
            sys.stdout.flush()
            return 0
        sys.stdout.write("".join(card_lines(failure.to_wire()) for failure in done.status.failures))
        sys.stdout.flush()
        sys.stderr.write(f"Error: {verdict.reason}\n")
        return verdict.exit_code if verdict.exit_code is not None else 1

    def _wanted(self) -> Session:
        options = self.options
        ci = SessionCISpec(
            timeout=options.timeout or None, readiness_timeout=timedelta(minutes=READINESS_TIMEOUT_MINUTES)
        )
        spec = SessionSpec(
            tiltfile_path=str(Path(options.file).absolute()), exit_condition="ci", ci=ci, fail_fast=options.fail_fast
        )
        return Session(metadata=ObjectMeta(name=SESSION), spec=spec)

    async def _until_done(self) -> Session:
        async with self.client.watch(Session) as changes:
            async for change in changes:
                if change.body.get("status", {}).get("done") and change.object is not None:
                    return change.object
        message = "the server ended before the run did"
        raise RuntimeError(message)

    async def _heed_signals(self) -> None:
        """Have the first signal end the run in order, and the second at once."""
        with anyio.open_signal_receiver(*SIGNALS) as received:
            async for number in received:
                if self.session.interrupted:
                    self.processes.hurry(0)
                self.processes.hurry(GRACE_AFTER_SIGNAL_SECONDS)
                self.session.interrupt(signal.Signals(number).name, SIGNALS[signal.Signals(number)])
