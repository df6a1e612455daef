"""Runs a Tiltfile to its verdict: a server and its controllers in one process and one event loop."""

from __future__ import annotations

import errno
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
    from collections.abc import Iterator

    from upright.client.cli.options import CiOptions
    from upright.run_folder import RunFolder

EXIT_USAGE = 2
EXIT_UNKNOWN = 3
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
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
    except run_folder.FolderTaken as error:
        sys.stderr.write(f"Error: {error}\n")
        return EXIT_USAGE
    except Exception as error:  # noqa: BLE001  reason: a fault of ours is no verdict on the workloads
        _log.debug("the run broke", exc_info=error)
        reason = f"cannot tell: {_told(error, options)}"
        _leave_word(options, reason)
        sys.stderr.write(f"Error: {reason}\n")
        return EXIT_UNKNOWN
    finally:
        run_folder.prune(Path(options.file).absolute())
        for bound in sockets:
            bound.close()


async def _ci(options: CiOptions, folder: RunFolder, sockets: list[socket.socket]) -> int:
    import anyio  # noqa: PLC0415  reason: as above

    from upright.heeding import Heeding  # noqa: PLC0415  reason: as above

    heeding, code = Heeding(), EXIT_UNKNOWN
    async with anyio.create_task_group() as listening:
        await listening.start(heeding.listen)
        from upright.running import Run  # noqa: PLC0415  reason: signals are heard while it is imported

        async with Run.open(options, folder, sockets) as run:
            run.heeding = heeding
            code = await run.to_verdict()
        listening.cancel_scope.cancel()
    return code


def _leave_word(options: CiOptions, reason: str) -> None:
    """Have the files that were asked for say so too, if that can still be done."""
    try:
        from upright.conclusion import conclude_broken  # noqa: PLC0415  reason: only where used

        conclude_broken(options, Path(options.state), reason)
    except Exception as error:  # noqa: BLE001  reason: what is broken already shall not hide why
        _log.debug("no report could be written", exc_info=error)


def _told(error: Exception, options: CiOptions) -> str:
    """Return what ended the run: that nothing can be written, or else what we did wrong."""
    errors = list(_all(error))
    for one in errors:
        if isinstance(one, run_folder.StateNotKept):
            return str(one)
        if isinstance(one, OSError) and one.errno in _FULL:
            where = one.filename or options.state
            return f"what the run comes to cannot be written{where and f' to {where}'}: {one.strerror}"
    return f"a fault of upright's own: {errors[0]!r} (--debug shows where)"


def _all(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors inside groups of errors."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _all(one)
    else:
        yield error
