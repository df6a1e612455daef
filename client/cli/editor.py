"""Has a person edit a text in the editor of their choice."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from upright.client.cli.troubles import Trouble, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_USUAL = "vi"


class Editor:
    """The program that the first of these variables names, else vi; ``asks``: a person sits there, who may be asked again.

    Raises WrongUsage where nobody could use vi.
    """

    def __init__(self, variables: Sequence[str], environment: Mapping[str, str]) -> None:
        chosen = next((environment[name] for name in variables if environment.get(name)), "")
        if not chosen and not (sys.stdin.isatty() and sys.stdout.isatty()):
            names = " or ".join(f"${name}" for name in variables)
            raise WrongUsage(f"there is no terminal to edit on: say which editor to use with {names}")
        self.command = chosen or _USUAL
        self.asks = sys.stdin.isatty()

    def edited(self, text: str, path: Path) -> str:
        """Return the text as it was left; the file stays. Raises Trouble if the editor fails."""
        path.write_text(text, encoding="utf-8")
        try:
            words = [*shlex.split(self.command), str(path)]
            code = _ran(words)
        except (OSError, ValueError) as error:
            raise Trouble(f'the editor "{self.command}" cannot be started: {error}') from error
        if code:
            raise Trouble(f'the editor "{self.command}" ended with exit status {code}: nothing is changed')
        return path.read_text(encoding="utf-8")


def _ran(words: list[str]) -> int:
    """Run a program to its end and return its exit code; Ctrl-C is its own business meanwhile."""
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pid = os.posix_spawnp(words[0], words, os.environ, setsigdef=[signal.SIGINT])
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        signal.signal(signal.SIGINT, heard)


def scratch(name: str) -> Path:
    """Return a new file for its owner's eyes only, whose name ends so."""
    handle, made = tempfile.mkstemp(prefix="upright-edit-", suffix=f"-{name}")
    os.close(handle)
    return Path(made)
