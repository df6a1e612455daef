"""What a run may leave behind: processes, mounts, interfaces, routes, firewall rules; asked of the kernel itself."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

PR_SET_CHILD_SUBREAPER = 36
SECONDS = 2.0
"""How soon after its end, of whatever kind, nothing of a run may be left."""

Traces = dict[str, set[str]]


def adopt_orphans() -> None:
    """Have every process below us that loses its parent become our child: nothing that a run starts gets out of sight."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def traces() -> Traces:
    """Return what there is now, by what it is; only processes where a real cluster may run beside us, and do as it likes."""
    processes = {"process": set(_processes())}
    if "UPRIGHT_TEST_KUBECONFIG" in os.environ:
        return processes
    return processes | {
        "mount": set(Path("/proc/self/mountinfo").read_text().splitlines()),
        "interface": {one.name for one in Path("/sys/class/net").iterdir()},
        "route": {line.split("\t")[1] for line in Path("/proc/net/route").read_text().splitlines()},
        "firewall rule": _firewall(),
        "network namespace": {
            str(one) for place in ("/run/netns", "/run/docker/netns") for one in Path(place).glob("*")
        },
    }


def left_since(before: Traces) -> Traces:
    """Return what was not there before, once it is nothing or the time for it to go is over."""
    end = time.monotonic() + SECONDS
    while True:
        _bury()
        found = {what: new for what, now in traces().items() if (new := now - before[what])}
        if not found or time.monotonic() > end:
            return found
        pause()


def pause(seconds: float = 0.05) -> None:
    """Let others go on, where there is nothing that one could wait for."""
    threading.Event().wait(seconds)


def _processes() -> list[str]:
    found: list[str] = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found.append(f"{one.pid} {' '.join(one.cmdline()) or one.name()}")
    return found


def _bury() -> None:
    """Reap what became ours and has died. What ``subprocess`` runs for a test has been waited for before."""
    for one in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, ChildProcessError):
            if one.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(one.pid, os.WNOHANG)


def _firewall() -> set[str]:
    if not shutil.which("iptables-save"):
        return set()
    said = subprocess.run(["iptables-save"], capture_output=True, text=True, check=False).stdout
    return {line for line in said.splitlines() if line.startswith("-")}
