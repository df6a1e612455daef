"""What a build gets of a folder: a tar without what is ignored."""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
from contextlib import suppress
from io import BytesIO
from typing import IO, TYPE_CHECKING

from msgspec import Struct

from upright.controllers.world.engine.ignores import IGNORE_FILE, ContextError, walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from upright.controllers.world.engine.ignores import Ignore

HIDDEN_DOCKERFILE = ".upright.dockerfile"
"""The Dockerfile's name in a context that does not have it as a file; the engine takes it out before it copies anything."""

_IN_MEMORY_BYTES = 16 << 20
_WHOLE_BYTES = 1 << 20


class PackedContext(Struct, frozen=True):
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
    entries: dict[str, Path] = {}
    if context is not None:
        entries = {
            path.relative_to(context).as_posix(): path for path, left_out in walk(context, ignores) if not left_out
        }
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
