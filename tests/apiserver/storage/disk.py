"""What a disk would hold after a loss of power: made from strace's record of what a process wrote and synced."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

SECTOR_BYTES = 512
CALLS = "pwrite64,ftruncate,fdatasync,fsync"

_LINE = re.compile(rb"(\d+) +(\d+\.\d+) (.*)")
_CALL = re.compile(rb"(\w+)\(\d+<([^>]+)>(.*)\) = (-?\d+)(?: .*)? <(\d+\.\d+)>$", re.DOTALL)
_UNFINISHED = b" <unfinished ...>"
_RESUMED = re.compile(rb"<\.\.\. (\w+) resumed>")


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes written at an offset, or, without bytes, the length that a file was cut or grown to."""

    began: float
    ended: float
    at: int
    data: bytes | None


@dataclass(slots=True)
class File:
    """The changes of one file in order, and when its syncs began and ended."""

    changes: list[Change] = field(default_factory=list[Change])
    syncs: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    def synced(self, moment: float) -> int:
        """Return how many changes are surely on the disk at this moment: those that ended before a finished sync began."""
        began = max((began for began, ended in self.syncs if ended <= moment), default=0.0)
        return bisect_right(self.changes, began, key=lambda change: change.ended)


def command(record: Path, *files: Path) -> list[str]:
    """Return what to put before a command so that its writes to these files are recorded (times in s, UTC)."""
    paths = [word for file in files for word in ("-P", str(file))]
    return [
        "strace",
        "-f",
        "-y",
        "-ttt",
        "-T",
        "-xx",
        "-s",
        "1000000",
        "-e",
        f"trace={CALLS}",
        *paths,
        "-o",
        str(record),
    ]


def read(record: Path) -> dict[Path, File]:
    """Read what strace recorded. The order in a file is that in which the calls ended."""
    files: dict[Path, File] = {}
    for began, call, place, given, took in _calls(record):
        ended = began + took
        file = files.setdefault(place, File())
        if call.endswith("sync"):
            file.syncs.append((began, ended))
        elif call == "ftruncate":
            file.changes.append(Change(began, ended, int(given.strip(b", ")), None))
        else:
            _, data, rest = given.split(b'"')
            file.changes.append(
                Change(began, ended, int(rest.split(b",")[2]), bytes.fromhex(data.replace(rb"\x", b"").decode()))
            )
    for file in files.values():
        file.changes.sort(key=lambda change: change.ended)
    return files


def after_power_loss(files: dict[Path, File], moment: float, folder: Path, chance: random.Random) -> None:
    """Write the files as a disk may hold them: all that was synced, and of the rest any part, sectors whole, in any order."""
    for place, file in files.items():
        certain = file.synced(moment)
        maybe = [change for change in file.changes[certain:] if change.began <= moment]
        kept = chance.sample(maybe, chance.randint(0, len(maybe)))
        content = bytearray()
        for change in (*file.changes[:certain], *(_torn(change, chance) for change in kept)):
            _apply(content, change)
        (folder / place.name).write_bytes(content)


def _torn(change: Change, chance: random.Random) -> Change:
    """Return the part of a write that reached the disk."""
    if change.data is None or chance.random() < 0.5:
        return change
    sectors = -(-len(change.data) // SECTOR_BYTES)
    return Change(change.began, change.ended, change.at, change.data[: chance.randint(0, sectors) * SECTOR_BYTES])


def _apply(content: bytearray, change: Change) -> None:
    end = change.at + len(change.data or b"")
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if change.data is None:
        del content[change.at :]
    else:
        content[change.at : end] = change.data


def _calls(record: Path) -> Iterator[tuple[float, str, Path, bytes, float]]:
    """Yield when a call began, its name, its file, its other arguments, and how long it took."""
    begun: dict[bytes, tuple[float, bytes]] = {}
    with record.open("rb") as lines:
        for line in lines:
            found = _LINE.match(line.rstrip())
            if not found:
                continue
            thread, stamp, rest = found.groups()
            moment = float(stamp)
            if rest.endswith(_UNFINISHED):
                begun[thread] = moment, rest.removesuffix(_UNFINISHED)
                continue
            if resumed := _RESUMED.match(rest):
                moment, first = begun.pop(thread)
                rest = first + rest[resumed.end() :]
            if call := _CALL.match(rest):
                name, place, given, code, took = call.groups()
                if int(code) >= 0:
                    yield moment, name.decode(), Path(_plain(place)), given, float(took)


def _plain(path: bytes) -> str:
    """Return a path that strace wrote as ``\\x2f\\x74…``, or plainly."""
    return bytes.fromhex(path.replace(rb"\x", b"").decode()).decode() if path.startswith(rb"\x") else path.decode()
