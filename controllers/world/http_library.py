"""aiohttp without the system's certificates: it reads all of them as it is imported, and engines and clusters have their own.

They are read with the first connection that is checked against them.
"""

from __future__ import annotations

import ssl
import sys
from contextlib import contextmanager
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

_NAME = "aiohttp"


def import_it() -> None:
    """Have aiohttp be imported; whoever imports it later gets the same."""
    if _NAME not in sys.modules:
        with _late_certificates():
            import_module(_NAME)


class LateContext(ssl.SSLContext):
    """Reads the system's certificates when it is first used, if it is to know them."""

    _purpose: ssl.Purpose | None = None

    def load_default_certs(self, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        self._purpose = purpose

    def _complete(self) -> None:
        if self._purpose is not None:
            super().load_default_certs(self._purpose)
            self._purpose = None

    def wrap_bio(self, *given: Any, **more: Any) -> ssl.SSLObject:  # noqa: ANN401  reason: passed on as it comes
        self._complete()
        return super().wrap_bio(*given, **more)

    def wrap_socket(self, *given: Any, **more: Any) -> ssl.SSLSocket:  # noqa: ANN401  reason: as above
        self._complete()
        return super().wrap_socket(*given, **more)


@contextmanager
def _late_certificates() -> Generator[None]:
    """Have default contexts be late ones, as Python makes them in all else, until the block is left."""
    made = ssl.create_default_context
    ours = FunctionType(made.__code__, {**made.__globals__, "SSLContext": LateContext}, argdefs=made.__defaults__)
    ours.__kwdefaults__ = made.__kwdefaults__
    ssl.create_default_context = ours
    _read_by_who_checks()
    try:
        yield
    finally:
        ssl.create_default_context = made
        del ssl.SSLContext.set_default_verify_paths


def _read_by_who_checks() -> None:
    """Have contexts that check no certificates read none."""
    read = ssl.SSLContext.set_default_verify_paths

    def read_if_checked(context: ssl.SSLContext) -> None:
        if context.verify_mode != ssl.CERT_NONE:
            read(context)

    ssl.SSLContext.set_default_verify_paths = read_if_checked  # type: ignore[assignment]  # reason: it is the base class's, and comes back
