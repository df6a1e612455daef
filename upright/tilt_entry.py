"""Enters a run where Tilt's own clients look for servers, for as long as it runs."""

from __future__ import annotations

import logging
import os
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from upright.client import tilt_folder
from upright.client.cli import discovery

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from upright.client.kubeconfig import Access

_log = logging.getLogger(__name__)


@asynccontextmanager
async def tilt_entry(port: int, access: Access) -> AsyncGenerator[None]:
    """Have the server of this port entered until the context is left; that it cannot be is said, and does no harm else."""
    from upright.client import tilt_config  # noqa: PLC0415  reason: YAML, when the server answers already

    path, name = tilt_folder.config_file(os.environ), tilt_folder.context_name(port)
    me = discovery.this_process("", port)
    about = {"pid": me.pid, "started": me.started}
    try:
        await anyio.to_thread.run_sync(tilt_config.add, path, name, access, about, _is_alive)
    except (OSError, ValueError) as error:
        _log.warning("Tilt's own clients will not find this run: %s", error)
        yield
        return
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(partial(_removed, path, name, about))


def _removed(path: Path, name: str, about: dict[str, Any]) -> None:
    from upright.client import tilt_config  # noqa: PLC0415  reason: as above

    try:
        tilt_config.remove(path, name, about)
    except (OSError, ValueError) as error:
        _log.warning("%s keeps the entry %s: %s", path, name, error)


def _is_alive(about: dict[str, Any]) -> bool:
    try:
        return discovery.is_alive(discovery.Server(int(about["pid"]), str(about["started"]), "", 0))
    except (KeyError, TypeError, ValueError):
        return False
