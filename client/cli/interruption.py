"""Signals that come before a run can heed them: they end the process in words and with their code, whatever it imports just then."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
"""The signals that ask for the end, and the exit codes that say so."""


class Interrupted(SystemExit):
    """A signal came; the event loop lets this pass as it lets every SystemExit pass."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(SIGNALS[self.signal])


def asked() -> list[signal.Signals]:
    """Return the signals to heed: under nohup a hangup is none."""
    return [one for one in SIGNALS if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN]


@contextmanager
def until_heeded() -> Generator[None]:
    """Have a signal end the process until somebody else heeds them; says so in the last line. At the end none matters."""
    numbers = asked()
    for number in numbers:
        signal.signal(number, _raise)
    try:
        yield
    except Interrupted as error:
        sys.stderr.write(f"Error: interrupted by {error.signal.name}\n")
        raise
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)


def _raise(number: int, frame: FrameType | None) -> None:
    del frame
    raise Interrupted(number)
