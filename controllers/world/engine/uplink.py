"""The internet for a box's network, by way of slirp4netns: user-mode, so that nothing on the host changes."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from ipaddress import IPv4Network

_PROGRAM = "slirp4netns"
_INTERFACE = "uplink0"
_MTU = "65520"
_START_SECONDS = 10.0


def uplink_available() -> bool:
    """Whether boxes can have the internet."""
    return shutil.which(_PROGRAM) is not None and os.access("/dev/net/tun", os.R_OK | os.W_OK)


def resolver_in(addresses: IPv4Network) -> str:
    """Return the address of the uplink's name server, which asks the host's."""
    return str(addresses[3])


@asynccontextmanager
async def uplink(namespace: str, addresses: IPv4Network) -> AsyncGenerator[None, None]:
    """Give a network namespace a way out, through a range of addresses (a /24) of its own. Raises OSError.

    The host's own services on localhost stay out of reach. The helper ends with us: it watches a pipe that we hold.
    """
    ready, theirs = os.pipe()
    watched, life = os.pipe()
    try:
        process = _start(namespace, addresses, watched, theirs)
    except OSError:
        os.close(life)
        os.close(ready)
        raise
    finally:
        os.close(watched)
        os.close(theirs)
    try:
        with anyio.fail_after(_START_SECONDS):
            await anyio.wait_readable(ready)
        if not os.read(ready, 1):
            raise OSError(f"{_PROGRAM} ended at once")
        yield
    finally:
        os.close(ready)
        os.close(life)
        await _ended(process)


def _start(namespace: str, addresses: IPv4Network, watched: int, ready: int) -> subprocess.Popen[bytes]:
    argv = [_PROGRAM, "--configure", f"--mtu={_MTU}", "--disable-host-loopback", f"--cidr={addresses}"]
    argv += [f"--exit-fd={watched}", f"--ready-fd={ready}", "--netns-type=path", namespace, _INTERFACE]
    return subprocess.Popen(  # noqa: S603  reason: our own arguments
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        pass_fds=(watched, ready),
        start_new_session=True,
    )


async def _ended(process: subprocess.Popen[bytes]) -> None:
    handle = os.pidfd_open(process.pid)
    with anyio.move_on_after(_START_SECONDS, shield=True) as scope:
        await anyio.wait_readable(handle)
    os.close(handle)
    if scope.cancelled_caught:
        process.kill()
    process.wait()
