"""``upright controllers``: runs the Sessions of an API server in another process, found by its kubeconfig."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

import upright.openapi.v1alpha1 as kinds
from upright import __version__
from upright.apiserver.clock import utc_now
from upright.client import kubeconfig
from upright.client.cli.options import CiOptions
from upright.client.client import Client
from upright.client.over_http import OverHttp
from upright.controllers.runtime.leadership import Leadership
from upright.controllers.runtime.manager import Manager
from upright.hosting import HostController, Hosting, Pruner
from upright.openapi.scheme import discover
from upright.pruning import Keep

if TYPE_CHECKING:
    from collections.abc import Sequence

LEASE = "upright-controllers"
LOOK_SECONDS = 1.0
WAIT_SECONDS = 60.0
_UNREACHABLE = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; Sessions that are not done are resumed by the next one. Return the exit code."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    keep = Keep(timedelta(days=asked.keep_days), asked.keep_sessions, asked.keep_megabytes * 1_000_000)
    options = CiOptions(port=0, cluster=asked.cluster, engine=asked.engine)
    served = tuple(path.absolute() for path in asked.serve_directory)
    hosting = Hosting(served, asked.state.absolute(), options, asked.at_once, keep)
    try:
        anyio.run(_run, asked.kubeconfig, hosting, backend_options={"use_uvloop": True})
    except _NoServer as error:
        sys.stderr.write(f"Error: {error}\n")
        return _UNREACHABLE
    return 0


class _NoServer(Exception):
    """There is no kubeconfig that leads to a server."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="upright controllers")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--serve-directory", type=Path, action="append", default=[])
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--cluster", default="auto")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--keep-days", type=float, default=30)
    parser.add_argument("--keep-sessions", type=int, default=500)
    parser.add_argument("--keep-megabytes", type=int, default=10_000)
    return parser


async def _run(config: Path, hosting: Hosting) -> None:
    access = await _access(config)
    identity = f"{socket.gethostname()}-{os.getpid()}"
    async with (
        OverHttp.open(access, agent=f"upright-controllers/{__version__}") as transport,
        anyio.create_task_group() as group,
    ):
        group.start_soon(_until_signal, group.cancel_scope)
        client = Client(transport)
        leadership = Leadership(client, LEASE, identity, utc_now)

        async def work() -> None:
            sys.stderr.write(f"Running the sessions of {access.server}\n")
            await host(transport, hosting)

        await leadership.lead(work)


async def host(transport: OverHttp, hosting: Hosting) -> None:
    """Run all Sessions of a server until cancelled."""
    scheme = discover(kinds)

    def client_of(session: str) -> Client:
        return Client(transport, partition=session)

    manager = Manager(Client(transport), utc_now, [HostController(hosting, client_of, scheme)])
    manager.services.append(Pruner(manager.caches, hosting, utc_now))
    await manager.run()


async def _access(config: Path) -> kubeconfig.Access:
    """Return how to reach the server; waits a while for one that is being started and has not written it yet."""
    until = anyio.current_time() + WAIT_SECONDS
    while True:
        try:
            return await anyio.to_thread.run_sync(kubeconfig.read, config)
        except (OSError, ValueError) as error:
            if anyio.current_time() >= until:
                raise _NoServer(f"no way to a server: {error} (start `upright apiserver` first)") from error
        await anyio.sleep(LOOK_SECONDS)


async def _until_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        async for _ in received:
            scope.cancel()
            return


if __name__ == "__main__":
    sys.exit(main())
