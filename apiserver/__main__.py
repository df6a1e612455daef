"""The server alone: ``upright apiserver``, or ``python -m upright.apiserver``."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from upright.apiserver.limits import DEFAULT_LIMITS, Limits
from upright.apiserver.sockets import PortTaken, UnsafeBind, listen_on_loopback, port_of
from upright.apiserver.state_folder import DATABASE, state_folder
from upright.client.cli import discovery
from upright.openapi import validator_plugins

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    import anyio

_FAILED, _USAGE_ERROR = 1, 2
_LIMITS = {
    "max-body-bytes": "largest body of a request (413 beyond)",
    "max-header-bytes": "largest headers of a request (431 beyond)",
    "max-url-bytes": "longest URL (414 beyond)",
    "max-metadata-bytes": "longest labels of an object, and its longest annotations (422 beyond)",
    "request-seconds": "how long a request may take to come whole (408 beyond)",
}
_FIELDS = {
    "max-body-bytes": "body_bytes",
    "max-header-bytes": "head_bytes",
    "max-url-bytes": "url_bytes",
    "max-metadata-bytes": "metadata_bytes",
    "request-seconds": "patience_seconds",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code."""
    asked = _parser().parse_args(arguments)
    validator_plugins.forgo()
    gc.disable()  # what is imported stays: looking through it again and again costs a tenth of the start
    try:
        sockets = listen_on_loopback(asked.host, asked.port)
    except (PortTaken, UnsafeBind) as error:
        sys.stderr.write(f"Error: {error}\n")
        return _USAGE_ERROR
    import anyio  # noqa: PLC0415  reason: a port that is taken is said before anything is imported

    from upright.apiserver.storage.records import StorageError  # noqa: PLC0415  reason: as above

    try:
        anyio.run(_serve, sockets, asked, backend_options={"use_uvloop": True})
    except StorageError as error:
        sys.stderr.write(f"Error: {error}\n")
        return _FAILED
    finally:
        for bound in sockets:
            bound.close()
        discovery.remove()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="upright apiserver", description="The API server alone, without controllers.")
    parser.add_argument("--host", default=_environment("HOST", "localhost"), help="loopback name for plain HTTP")
    parser.add_argument("--port", type=int, default=_environment("PORT", "10350"), help="0 takes any free port")
    parser.add_argument("--secure-host", default="127.0.0.1", help="address that HTTPS listens on")
    parser.add_argument("--secure-port", type=int, default=0, help="port of HTTPS; 0 takes any free one")
    parser.add_argument("--name", action="append", default=[], help="name that clients call the server by")
    parser.add_argument("--state", type=Path, default=None, help="folder for the database, certificate and kubeconfig")
    parser.add_argument("--database", default="", help="file or URL of the database (default: state.db in the folder)")
    parser.add_argument(
        "--runs", type=Path, default=None, help="folder of the controllers (their --state): logs are served"
    )
    parser.add_argument("--audit-log", type=Path, default=None, help="file for a line about every write")
    for flag, what in _LIMITS.items():
        word = flag.upper().replace("-", "_")
        default = getattr(DEFAULT_LIMITS, _FIELDS[flag])
        parser.add_argument(f"--{flag}", type=_above_zero, default=_environment(word, str(default)), help=what)
    return parser


def _above_zero(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f'"{text}" is not a whole number above 0')
    return int(text)


def _limits(asked: argparse.Namespace) -> Limits:
    return Limits(**{field: getattr(asked, flag.replace("-", "_")) for flag, field in _FIELDS.items()})


def _environment(name: str, default: str) -> str:
    return os.environ.get(f"UPRIGHT_{name}") or os.environ.get(f"TILT_{name}") or default


async def _serve(sockets: list[socket.socket], asked: argparse.Namespace) -> None:
    import anyio  # noqa: PLC0415  reason: as above

    import upright.openapi.coordination_v1 as coordination  # noqa: PLC0415  reason: as above
    import upright.openapi.v1alpha1 as kinds  # noqa: PLC0415  reason: as above
    from upright.apiserver.clock import utc_now  # noqa: PLC0415  reason: as above
    from upright.apiserver.registry import Registry  # noqa: PLC0415  reason: as above
    from upright.apiserver.server import Server, Settings  # noqa: PLC0415  reason: as above
    from upright.apiserver.storage.store import Store  # noqa: PLC0415  reason: as above
    from upright.apiserver.tokens import TokenBook  # noqa: PLC0415  reason: as above
    from upright.openapi.scheme import discover  # noqa: PLC0415  reason: as above

    folder = state_folder(asked.state)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with (
        Store.open(asked.database or str(folder / DATABASE)) as store,
        anyio.create_task_group() as group,
    ):
        limits = _limits(asked)
        registry = Registry(discover(kinds, coordination), store, utc_now, limits)
        settings = Settings(
            folder,
            hosts=tuple(asked.name),
            secure_host=asked.secure_host,
            secure_port=asked.secure_port,
            sessions_apart=True,
            audit_log=asked.audit_log,
            runs=asked.runs,
            limits=limits,
        )
        server = Server(registry, sockets, settings, now=utc_now, book=TokenBook(store, utc_now))
        group.start_soon(_until_signal, group.cancel_scope)
        await group.start(server.serve)
        gc.freeze()
        gc.enable()
        discovery.write(discovery.this_process(asked.host, port_of(sockets)))
        sys.stderr.write(f"Serving on {server.url}\n")
        kubeconfig = str(await server.secured())
        discovery.write(discovery.this_process(asked.host, port_of(sockets), kubeconfig=kubeconfig))
        sys.stderr.write(f"kubectl --kubeconfig {kubeconfig}\n")


async def _until_signal(scope: anyio.CancelScope) -> None:
    import anyio  # noqa: PLC0415  reason: as above

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        async for _ in received:
            scope.cancel()
            return


if __name__ == "__main__":
    sys.exit(main())
