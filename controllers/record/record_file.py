"""The file a record is kept in: JSON lines, gzipped as they come; what a crash tore off its end is all that is lost."""

from __future__ import annotations

import os
import stat
import zlib
from typing import TYPE_CHECKING, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from upright.openapi.meta import Json

_GZIP = 31
_LEVEL = 3


class NotARecord(Exception):
    """The file holds no record that can be read; the message says why."""


class RecordWriter:
    """Appends entries to one or more files. Each ``write`` can be read back whole, whatever comes after it.

    A file that cannot be written to is left, and why is in ``failed``: no run ends because its record does.
    """

    def __init__(self, *paths: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self.failed: dict[Path, OSError] = {}
        self._files = {path: os.open(path, flags, 0o600) for path in paths}
        for file in self._files.values():
            if stat.S_ISREG(os.fstat(file).st_mode):
                os.fchmod(file, 0o600)  # it may have been there before, for others to read
        self._pack = zlib.compressobj(_LEVEL, wbits=_GZIP)

    def write(self, lines: Iterable[bytes]) -> None:
        """Append the entries, a line of JSON each."""
        self._append(self._pack.compress(b"".join(lines)) + self._pack.flush(zlib.Z_SYNC_FLUSH))

    def close(self) -> None:
        """Write the end of the files."""
        self._append(self._pack.flush(zlib.Z_FINISH))
        for file in self._files.values():
            os.close(file)
        self._files = {}

    def _append(self, data: bytes) -> None:
        for path, file in list(self._files.items()):
            try:
                _write_all(file, data)
            except OSError as error:
                self.failed[path] = error
                os.close(self._files.pop(path))


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def read(path: Path) -> list[Json]:
    """Return the entries; an end that a crash tore off is left out. Raises NotARecord, OSError."""
    data = path.read_bytes()
    if not data.startswith(b"\x1f\x8b"):
        message = f"{path} is not a record: upright ci --record FILE writes one"
        raise NotARecord(message)
    unpack = zlib.decompressobj(wbits=_GZIP)
    text = bytearray()
    try:
        for at in range(0, len(data), 1 << 16):
            text += unpack.decompress(data[at : at + (1 << 16)])
    except zlib.error as error:
        message = f"{path} is damaged after {text.count(10)} entries: {error}"
        raise NotARecord(message) from error
    entries: list[Json] = []
    for number, line in enumerate(bytes(text).rpartition(b"\n")[0].splitlines(), 1):
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            message = f"{path} is not a record: line {number} is no JSON ({error})"
            raise NotARecord(message) from error
        if not isinstance(entry, dict):
            message = f"{path} is not a record: line {number} is no object"
            raise NotARecord(message)
        entries.append(cast("Json", entry))  # reason: keys of JSON are text
    return entries
