"""One run: a server that answers first, and behind its first answer everything that works towards the verdict."""

from __future__ import annotations

import gc
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

import upright.openapi.coordination_v1 as coordination
import upright.openapi.v1alpha1 as kinds
from upright.apiserver.clock import utc_now
from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.server import Server, Settings
from upright.apiserver.sockets import port_of
from upright.apiserver.storage.store import Store
from upright.client import kubeconfig
from upright.client.cli import discovery
from upright.client.client import Client
from upright.heeding import Heeding
from upright.openapi.scheme import discover
from upright.run_folder import StateNotKept

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator

    from upright.client.cli.options import CiOptions
    from upright.openapi.scheme import Scheme
    from upright.run_folder import RunFolder


REFUSED_SECONDS = 5.0
"""How long the run's own database may take no writes before nothing can be told any more."""


class Run:
    """A run that is open. What it needs to work is imported while the server answers already."""

    def __init__(self, options: CiOptions, folder: RunFolder, port: int, registry: Registry, server: Server) -> None:
        self.options = options
        self._store = registry.store
        self.heeding = Heeding()
        self.folder = folder
        self.port = port
        self.client = Client(InProcess(registry))
        self.server = server
        self.scheme: Scheme = discover(kinds)

    @classmethod
    @asynccontextmanager
    async def open(cls, options: CiOptions, folder: RunFolder, sockets: list[socket.socket]) -> AsyncGenerator[Run]:
        """Open the store; nothing runs before ``to_verdict``."""
        async with Store.open(options.database or str(folder.database)) as store:
            registry = Registry(discover(kinds, coordination), store, utc_now)
            server = Server(registry, sockets, Settings(folder.path, certificates=folder.certificates), now=utc_now)
            yield cls(options, folder, port_of(sockets), registry, server)

    async def to_verdict(self) -> int:
        """Serve, work until the Session is done, end everything, and return the exit code."""
        async with anyio.create_task_group() as serving:
            await serving.start(self.server.serve)
            discovery.write(self._published())
            serving.start_soon(self._tell_tilts_clients)
            serving.start_soon(self._end_if_nothing_can_be_kept)
            try:
                work = await anyio.to_thread.run_sync(import_module, "upright.working")
                gc.freeze()  # what was imported stays: it need not be looked through again
                gc.enable()
                ended, teller = await work.to_the_end(self)
            finally:
                discovery.remove()
            serving.cancel_scope.cancel()
        conclusion = import_module("upright.conclusion")
        return int(conclusion.conclude(self.options, ended, teller))

    async def _end_if_nothing_can_be_kept(self) -> None:
        """Raise StateNotKept when the database takes no writes: no controller comes further then, and no verdict is kept."""
        why = await self._store.refusing(REFUSED_SECONDS)
        raise StateNotKept(
            f"what the run comes to cannot be written to {self.options.database or self.folder.database}: {why}"
        )

    async def _tell_tilts_clients(self) -> None:
        """Have Tilt's own clients find this server, until cancelled."""
        if not self.options.tilt_config:
            return
        from upright.tilt_entry import tilt_entry  # noqa: PLC0415  reason: not before the first answer

        access = kubeconfig.read(await self.server.secured())
        async with tilt_entry(self.port, access):
            await anyio.sleep_forever()

    def _published(self) -> discovery.Server:
        """Return what lets other commands find this server."""
        options = self.options
        place = str(self.server.kubeconfig)
        return discovery.this_process(
            options.host, self.port, kubeconfig=place, tiltfile=str(Path(options.file).absolute())
        )
