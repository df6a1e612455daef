"""Runs a Tiltfile to its verdict: a server and its controllers in one process and one event loop."""

from __future__ import annotations

import gc
import logging
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from upright import run_folder
from upright.apiserver.clock import utc_now
from upright.apiserver.sockets import PortTaken, UnsafeBind, listen_on_loopback

if TYPE_CHECKING:
    import socket

    from upright.client.cli.options import CiOptions
    from upright.run_folder import RunFolder

EXIT_USAGE = 2
EXIT_UNKNOWN = 3
_log = logging.getLogger(__name__)


def ci(options: CiOptions) -> int:
    """Run the Tiltfile to its verdict and return the exit code."""
    try:
        sockets = listen_on_loopback(options.host, options.port)
    except (PortTaken, UnsafeBind) as error:
        sys.stderr.write(f"Error: {error}\n")
        return EXIT_USAGE
    logging.basicConfig(level=logging.DEBUG if options.debug else logging.WARNING, format="%(levelname)s: %(message)s")
    gc.disable()  # importing makes much and drops nothing: the run enables it when all is imported
    import anyio  # noqa: PLC0415  reason: a port that is taken is said before anything is imported

    try:
        tiltfile = Path(options.file).absolute()
        folder = run_folder.make(tiltfile, options.state, utc_now())
        return anyio.run(partial(_ci, options, folder, sockets), backend_options={"use_uvloop": True})
    except Exception as error:  # noqa: BLE001  reason: a fault of ours is no verdict on the workloads
        _log.debug("the run broke", exc_info=error)
        sys.stderr.write(f"Error: cannot tell: a fault of upright's own: {_first(error)!r} (--debug shows where)\n")
        return EXIT_UNKNOWN
    finally:
        run_folder.prune(Path(options.file).absolute())
        for bound in sockets:
            bound.close()


async def _ci(options: CiOptions, folder: RunFolder, sockets: list[socket.socket]) -> int:
    from upright.running import Run  # noqa: PLC0415  reason: as above

    async with Run.open(options, folder, sockets) as run:
        return await run.to_verdict()


def _first(error: BaseException) -> BaseException:
    """Return the first error inside groups of errors."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
