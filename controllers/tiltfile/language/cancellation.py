"""Stopping an evaluation from another thread."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import TYPE_CHECKING, Self

from upright.controllers.tiltfile.language.errors import Interrupted

if TYPE_CHECKING:
    from types import TracebackType


class Cancellation:
    """A hook by which another thread ends an evaluation: ``cancel`` raises Interrupted in the thread that runs it.

    Use as a context manager around the run. An exception that arrives in the middle of a blocking call is raised
    when that call returns; what the builtins call (``run_local``) has to be ended by its owner.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._cpu_before: float | None = None
        self.reason = ""

    def cancel(self, reason: str = "build canceled") -> None:
        """End the evaluation; before it starts, it will end at once; after it ended, nothing happens."""
        with self._lock:
            self.reason = self.reason or reason
            if self._thread is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(Interrupted))

    def tick(self) -> bool:
        """Return True; raises Interrupted once cancelled. Called where a program could go round for ever."""
        if self.reason:
            raise Interrupted(self.reason)
        return True

    def __enter__(self) -> Self:
        with self._lock:
            self._thread = threading.get_ident()
            if self._cpu_before is None:
                self._cpu_before = time.thread_time()
        return self

    def cpu_seconds(self) -> float:
        """Return for how long the evaluation has computed; 0 while it is not at it."""
        with self._lock:
            if self._thread is None or self._cpu_before is None:
                return 0.0
            return time.clock_gettime(time.pthread_getcpuclockid(self._thread)) - self._cpu_before

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            thread, self._thread = self._thread, None
            if self.reason and thread is not None:  # an exception still under way must not strike what runs next here
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)
