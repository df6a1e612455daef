"""What a build gets of a folder: a tar without what is ignored."""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import IO, TYPE_CHECKING

from e2b_dockerfile_utils.dockerignore import PatternMatcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

IGNORE_FILE = ".dockerignore"
HIDDEN_DOCKERFILE = ".upright.dockerfile"
"""The Dockerfile's name in a context that does not have it as a file; the engine takes it out before it copies anything."""

_IN_MEMORY_BYTES = 16 << 20
_WHOLE_BYTES = 1 << 20


class ContextError(Exception):
    """The context cannot be read; the message names the path."""


@dataclass(frozen=True)
class Ignore:
    """Patterns in .dockerignore's syntax, relative to ``base``; no patterns: all below it."""

    base: Path
    patterns: tuple[str, ...] = ()

    @cached_property
    def _matcher(self) -> PatternMatcher:
        return PatternMatcher(list(self.patterns))

    def covers(self, path: Path) -> bool:
        """Whether the path is left out."""
        relative = self._relative(path)
        if relative is None:
            return False
        return not self.patterns or self._matcher.matches(relative)

    def prunes(self, folder: Path) -> bool:
        """Whether all below a folder that is left out is left out, too."""
        relative = self._relative(folder)
        if relative is None:
            return False
        return not self.patterns or not self._matcher.may_match_under(relative)

    def _relative(self, path: Path) -> str | None:
        relative = os.path.relpath(path, self.base)
        return None if relative == os.curdir or relative.startswith(os.pardir) else relative


def ignores_of(
    context: Path, dockerfile: Path | None = None, *, only: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[Ignore, ...]:
    """Return what is left out of a context: its ``.dockerignore`` (or the Dockerfile's own), ``only``, ``ignore``.

    ``only`` is a list of paths outside of which all is left out; ``ignore`` is patterns. Raises ContextError for a bad pattern.
    """
    found: list[Ignore] = []
    if patterns := read_ignore_file(ignore_file_of(context, dockerfile)):
        found.append(Ignore(context, patterns))
    if only:
        found.append(Ignore(context, ("**", *(f"!{path}" for path in only))))
    if ignore:
        found.append(Ignore(context, tuple(ignore)))
    return tuple(found)


def ignore_file_of(context: Path, dockerfile: Path | None = None) -> Path:
    """Return where the ignore patterns of a build are: ``<Dockerfile>.dockerignore`` if there is one."""
    if dockerfile is not None:
        own = dockerfile.with_name(dockerfile.name + IGNORE_FILE)
        if own.is_file():
            return own
    return context / IGNORE_FILE


def read_ignore_file(path: Path) -> tuple[str, ...]:
    """Return the patterns of an ignore file, none if it is not there. Raises ContextError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ContextError(f"cannot read {path}: {error}") from error
    patterns = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    try:
        PatternMatcher(list(patterns))
    except ValueError as error:
        raise ContextError(f"{path}: {error}") from error
    return patterns


@dataclass(frozen=True, slots=True)
class PackedContext:
    """A context as an open tar file, at its beginning, and the Dockerfile's name in it."""

    tar: IO[bytes]
    dockerfile: str


def pack(
    context: Path | None, dockerfile: str, dockerfile_path: Path | None = None, ignores: Sequence[Ignore] = ()
) -> PackedContext:
    """Make the tar that a build is sent; to be closed by the caller. Blocks. Raises ContextError.

    Owners are root's, times and modes are kept, symbolic links stay links, sockets are left out. Should the context hold the
    Dockerfile as a file with the very text, it is used; else the text goes in under a name of its own.
    """
    if context is not None and not context.is_dir():
        raise ContextError(f"the build context {context} is not a folder")
    entries = dict(_entries(context, tuple(ignores))) if context else {}
    name = _name_in(entries, dockerfile, dockerfile_path)
    target = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  reason: the caller closes it
    try:
        with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
            if not name:
                own_ignores = entries.pop(IGNORE_FILE, None)
                _add_hidden(tar, dockerfile, own_ignores)
            for entry, path in entries.items():
                _add(tar, entry, path)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return PackedContext(target, name or HIDDEN_DOCKERFILE)


def _entries(context: Path, ignores: tuple[Ignore, ...]) -> Iterator[tuple[str, Path]]:
    """Yield what is in the context, in order: the name in the tar, and the path."""
    open_folders = [context]
    while open_folders:
        folder = open_folders.pop()
        below: list[Path] = []
        for path in _listed(folder):
            covering = [ignore for ignore in ignores if ignore.covers(path)]
            is_folder = path.is_dir() and not path.is_symlink()
            if is_folder and not any(ignore.prunes(path) for ignore in covering):
                below.append(path)
            if not covering:
                yield path.relative_to(context).as_posix(), path
        open_folders += reversed(below)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:  # gone meanwhile
        return []
    except OSError as error:
        raise ContextError(f"cannot read {folder}: {error.strerror}") from error


def _name_in(entries: dict[str, Path], dockerfile: str, path: Path | None) -> str:
    if path is None:
        return ""
    for name, found in entries.items():
        if found == path:
            with suppress(OSError, UnicodeDecodeError):
                return name if found.read_text(encoding="utf-8") == dockerfile else ""
    return ""


def _add_hidden(tar: tarfile.TarFile, dockerfile: str, own_ignores: Path | None) -> None:
    """Add the Dockerfile so that ``COPY .`` does not see it: the engine drops what the .dockerignore in a context names.

    A .dockerignore that is itself part of the context stays part of it; else it is dropped with the Dockerfile.
    """
    hidden = f"{HIDDEN_DOCKERFILE}\n"
    if own_ignores is None:
        ignored = f"{IGNORE_FILE}\n{hidden}".encode()
    else:
        ignored = own_ignores.read_bytes().rstrip(b"\n") + b"\n" + hidden.encode()
    for name, content in ((IGNORE_FILE, ignored), (HIDDEN_DOCKERFILE, dockerfile.encode())):
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, BytesIO(content))


def _add(tar: tarfile.TarFile, name: str, path: Path) -> None:
    try:
        about = path.lstat()
        if stat.S_ISSOCK(about.st_mode):
            return
        entry = tar.gettarinfo(path, name)
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        if stat.S_ISREG(about.st_mode):
            _add_file(tar, entry, path)
        else:
            tar.addfile(entry)
    except FileNotFoundError:  # gone meanwhile
        return
    except OSError as error:
        raise ContextError(f"cannot read {path}: {error.strerror or error}") from error


def _add_file(tar: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> None:
    """Add a file as it is now, even while it is being written to."""
    entry.type, entry.linkname = tarfile.REGTYPE, ""
    with path.open("rb") as file:
        entry.size = os.fstat(file.fileno()).st_size
        if entry.size <= _WHOLE_BYTES:
            content = file.read(_WHOLE_BYTES)
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
        else:
            tar.addfile(entry, file)
