"""What outlives us for a moment: a shell on a pipe that kills our commands when we die, however we die."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from contextlib import suppress

MARK = "UPRIGHT_PROCESS"
"""The environment variable that says whose command a process is: ``<run>.<number>``."""

_SCAN_ROUNDS = 20

# Reads "+ GROUP" and "- GROUP"; at the pipe's end kills these groups, then all that carries the run's mark: what left
# its group or session inherited the environment still. "." says that all is cleaned up already.
_SCRIPT = """
trap '' HUP INT TERM QUIT PIPE TSTP
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="${groups%%" $group "*} ${groups#*" $group "}" ;; esac ;;
    .) exit 0 ;;
  esac
done
for group in $groups; do kill -9 "-$group"; done 2>/dev/null
for round in 1 2 3 4 5 6 7 8 9 10; do
  found=
  for file in $(grep -lsaz "^$1\\." /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    kill -9 "${pid%/environ}" 2>/dev/null && found=1
  done
  [ "$found" ] || break
done
"""


class Watchdog:
    """Knows the process groups that run; started with the first of them, one for all.

    It runs in a session of its own without our mark and ignores the terminal's signals, so that only our end, seen as
    the end of its pipe, makes it act.
    """

    def __init__(self) -> None:
        self.run = secrets.token_hex(8)
        self._shell: subprocess.Popen[bytes] | None = None
        self._pipe = -1
        self._groups: dict[int, None] = {}

    def start(self) -> None:
        """Be there; raises OSError if that cannot be."""
        if self._shell is None:
            self._start()

    def add(self, group: int) -> None:
        """Have the group killed when we die."""
        self._groups[group] = None
        self._tell(f"+ {group}\n")

    def remove(self, group: int) -> None:
        """Forget a group that has ended; call it before the group's leader is reaped, or its number may be another's."""
        del self._groups[group]
        self._tell(f"- {group}\n")

    def close(self) -> None:
        """Dismiss the watchdog: all is ended."""
        if self._shell is None:
            return
        self._tell(".\n")
        os.close(self._pipe)
        self._shell.wait()
        self._shell = None

    def _tell(self, line: str) -> None:
        try:
            os.write(self._pipe, line.encode())
        except BrokenPipeError:  # somebody killed it
            self._restart()

    def _restart(self) -> None:
        if self._shell is not None:
            self._shell.kill()
            self._shell.wait()
            os.close(self._pipe)
        self._start()

    def _start(self) -> None:
        reader, self._pipe = os.pipe()
        try:
            self._shell = subprocess.Popen(  # noqa: S603  reason: our own script
                ["/bin/sh", "-c", _SCRIPT, "upright-watchdog", f"{MARK}={self.run}"],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": "/usr/bin:/bin"},
                start_new_session=True,
            )
        finally:
            os.close(reader)
        for group in self._groups:
            self._tell(f"+ {group}\n")


def kill_marked(mark: str) -> int:
    """Kill every process whose mark begins with this, until none is left; return how many were killed."""
    wanted = f"{MARK}={mark}".encode()
    killed = 0
    for _ in range(_SCAN_ROUNDS):
        with os.scandir("/proc") as entries:
            pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
        found = sum(_kill_if_marked(pid, wanted) for pid in pids)
        if not found:
            break
        killed += found
    return killed


def _kill_if_marked(pid: int, wanted: bytes) -> bool:
    with suppress(OSError):  # gone meanwhile, or another user's
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123  reason: hundreds in a row, Path is three times the cost
            if not any(pair.startswith(wanted) for pair in file.read().split(b"\0")):
                return False
        handle = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)
        return True
    return False
