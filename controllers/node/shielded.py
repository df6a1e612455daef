"""Work that is finished once begun, whatever is cancelled around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

R = TypeVar("R")


async def shielded(work: Callable[[], Awaitable[R]]) -> R:
    """Do the work and return its result; a cancellation is heard after it. For work of less than a few seconds."""
    results: list[R] = []
    with anyio.CancelScope(shield=True):
        results.append(await work())
    return results[0]
