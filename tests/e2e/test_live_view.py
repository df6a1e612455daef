"""``upright ci`` on a real terminal: how resources are doing stands below the log, and is gone at the end."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import anyio.to_thread
import pyte
import pytest

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS, LINES = 90, 40
TILTFILE = """
local_resource('db', 'until [ -e go ]; do sleep 0.1; done; echo db is made')
local_resource('web', 'true', resource_deps=['db'])
"""


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)
        self._fd, inside = pty.openpty()
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name != "CI"}
        environment |= {"TERM": "xterm-256color", "XDG_STATE_HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        command = [sys.executable, "-m", "upright.client.cli", *words]
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
        )
        os.close(inside)

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display if line.strip())

    def until(self, *words: str) -> str:
        """Read until all of these stand there at once."""
        while not all(word in self.text() for word in words):
            self._stream.feed(os.read(self._fd, 65536))
        return self.text()

    def end(self) -> int:
        """Read all, and return the exit code."""
        try:
            while data := os.read(self._fd, 65536):
                self._stream.feed(data)
        except OSError:  # the terminal is closed
            pass
        os.close(self._fd)
        return self._process.wait()


def _watched(folder: Path) -> tuple[str, str, int]:
    terminal = Terminal(folder, "ci", "--port=0", "--no-tilt-config")
    during = terminal.until("• db", "· web")
    (folder / "go").touch()
    code = terminal.end()
    return during, terminal.text(), code


@pytest.mark.e2e
@pytest.mark.slow
async def test_a_terminal_shows_how_each_resource_is_doing(tmp_path: Path) -> None:
    (tmp_path / "Tiltfile").write_text(TILTFILE)
    during, after, code = await anyio.to_thread.run_sync(_watched, tmp_path)
    assert "Running cmd: until [ -e go ]" in during
    assert "of 3 healthy" in during
    assert "waits for db" in during
    assert code == 0
    assert "db is made" in after
    assert "of 3 healthy" not in after
    assert "• db" not in after
    assert after.splitlines()[-1] == "SUCCESS. All workloads are healthy."
