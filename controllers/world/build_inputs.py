"""What a build is made of, by content: the same inputs give the same image."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from upright.controllers.world.engine.ignores import walk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from upright.controllers.world.engine.ignores import Ignore

MOST_FILES = 20_000
MOST_BYTES = 512 << 20
_CHUNK_BYTES = 1 << 20
_DIGITS = 32


class TooLarge(Exception):
    """The context is so large that looking through it costs more than it can save."""


class Inputs(Struct, frozen=True):
    """The parts of what a build is made of, each with the digest of its content; they are told apart to say what changed."""

    dockerfile: str
    options: dict[str, str]
    bases: dict[str, str]
    files: dict[str, str]

    @property
    def key(self) -> str:
        """The digest of all of it."""
        return digest(msgspec.json.encode(self, order="deterministic"))


class Context(Struct, frozen=True):
    """The files of a context by content, and a mark that changes whenever one of them is written."""

    files: Mapping[str, str]
    mark: str


def digest(content: bytes) -> str:
    """Return a short digest."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def read_context(context: Path | None, ignores: Sequence[Ignore]) -> Context:
    """Read what a build gets of a folder. Blocks. Raises TooLarge, ContextError, OSError."""
    found = _found(context, ignores)
    if sum(about.st_size for _, about in found if stat.S_ISREG(about.st_mode)) > MOST_BYTES:
        raise TooLarge
    files = {path.relative_to(context or path).as_posix(): _content(path, about) for path, about in found}
    return Context(files, _mark(found))


def mark_of(context: Path | None, ignores: Sequence[Ignore]) -> str:
    """Return the mark of a context as it is now. Blocks. Raises as ``read_context``."""
    return _mark(_found(context, ignores))


def _found(context: Path | None, ignores: Sequence[Ignore]) -> list[tuple[Path, os.stat_result]]:
    found: list[tuple[Path, os.stat_result]] = []
    for path, left_out in walk(context, ignores) if context is not None else ():
        if not left_out:
            found.append((path, path.lstat()))
        if len(found) > MOST_FILES:
            raise TooLarge
    return found


def _content(path: Path, about: os.stat_result) -> str:
    """Return the digest of what a build sees of a file: its content and its mode; whose it is and when it was written it does not."""
    mode = f"{about.st_mode:o} ".encode()
    if stat.S_ISLNK(about.st_mode):
        return digest(mode + os.fsencode(path.readlink()))
    if not stat.S_ISREG(about.st_mode):
        return digest(mode)
    hashed = hashlib.sha256(mode)
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            hashed.update(chunk)
    return hashed.hexdigest()[:_DIGITS]


def _mark(found: Sequence[tuple[Path, os.stat_result]]) -> str:
    lines = (f"{path} {a.st_mode} {a.st_size} {a.st_mtime_ns} {a.st_ctime_ns} {a.st_ino}" for path, a in found)
    return digest("\n".join(lines).encode(errors="surrogateescape"))
