"""How far a Tiltfile may go: what stops endless loops, floods of output, and commands that hang."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upright.controllers.tiltfile.language.cancellation import Cancellation

CPU = "UPRIGHT_TILTFILE_CPU"
MEMORY = "UPRIGHT_TILTFILE_MEMORY"
COMMAND = "UPRIGHT_LOCAL_TIMEOUT"
OUTPUT = "UPRIGHT_LOCAL_OUTPUT"
_LOOK_SECONDS = 0.1
_PAGE_BYTES = 4096


class WrongLimit(ValueError):
    """An environment variable for a limit that cannot be read."""


class Limits(Struct, frozen=True, kw_only=True):
    """The limits of one evaluation: its own computing time and memory, and each command's time and output."""

    cpu_seconds: float = 120
    memory_bytes: int = 2 << 30
    command_seconds: float = 600
    output_bytes: int = 128 << 20

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Limits:
        """Return the limits as environment variables set them; raises WrongLimit."""
        usual = cls()
        return cls(
            cpu_seconds=_seconds(environ, CPU, usual.cpu_seconds),
            memory_bytes=_size(environ, MEMORY, usual.memory_bytes),
            command_seconds=_seconds(environ, COMMAND, usual.command_seconds),
            output_bytes=_size(environ, OUTPUT, usual.output_bytes),
        )


def _seconds(environ: Mapping[str, str], name: str, usual: float) -> float:
    if not environ.get(name):
        return usual
    from upright.openapi.meta import parse_duration  # noqa: PLC0415  reason: pydantic, only where a limit is set

    try:
        return float(parse_duration(environ[name]).total_seconds())  # type: ignore[attr-defined]  # reason: a text gives a timedelta
    except ValueError as error:
        raise WrongLimit(f"{name}: {error}") from error


def _size(environ: Mapping[str, str], name: str, usual: int) -> int:
    if not environ.get(name):
        return usual
    from upright.openapi.quantity import parse_quantity  # noqa: PLC0415  reason: as above

    try:
        return int(parse_quantity(environ[name]))
    except ValueError as error:
        raise WrongLimit(f"{name}: cannot read {environ[name]!r}: want a number of bytes, such as 512Mi") from error


def duration_text(seconds: float) -> str:
    """Return the seconds as a person says them."""
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g} minutes" if seconds > 60 else "1 minute"
    return "1 second" if seconds == 1 else f"{seconds:g} seconds"


def size_text(size: int) -> str:
    """Return the bytes as a person says them."""
    return f"{size / (1 << 30):g} GiB" if size >= 1 << 30 else f"{size / (1 << 20):g} MiB"


async def keep(limits: Limits, cancellation: Cancellation) -> None:
    """End the evaluation once it has computed for too long, or taken too much memory."""
    before = resident_bytes()
    while True:
        await anyio.sleep(_LOOK_SECONDS)
        if cancellation.cpu_seconds() > limits.cpu_seconds:
            spent = duration_text(limits.cpu_seconds)
            cancellation.cancel(f"stopped: computing for {spent} without an end, {CPU} sets this limit")
            return
        if resident_bytes() - before > limits.memory_bytes:
            taken = size_text(limits.memory_bytes)
            cancellation.cancel(f"stopped: more than {taken} of memory taken, {MEMORY} sets this limit")
            return


def resident_bytes() -> int:
    """Return how much memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES
