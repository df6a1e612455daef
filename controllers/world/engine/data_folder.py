"""Where a private engine keeps its images: a cache that one run at a time may use, or a folder of the run's own."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "engine"
"""What an engine's folder in a run's folder is called."""

_LOCK = "upright.lock"
_DATA = "data"
_CGROUPS = Path("/sys/fs/cgroup")
CGROUP_PREFIX = "upright-"
_PODMAN_CGROUPS = "libpod_parent"


class DataFolder(Struct, frozen=True):
    """A locked folder for an engine's data; ``locks`` are descriptors; ``kept``: it outlives the run."""

    path: Path
    locks: tuple[int, ...]
    kept: bool

    def clear(self) -> None:
        """Throw away what is in it. Blocks."""
        remove_tree(self.path)
        _made(self.path)

    def release(self) -> None:
        """Unlock it, and remove it unless it is kept. Blocks."""
        if not self.kept:
            remove_tree(self.path)
        for lock in self.locks:
            os.close(lock)


def take_data(cache: Path, folder: Path) -> DataFolder:
    """Lock the run's own folder, and the cache; while another run has that one, the data is in the run's folder. Blocks."""
    own = _locked(folder)
    if own is None:
        raise BlockingIOError(f"another process uses {folder}")
    shared = _locked(cache)
    if shared is not None:
        return DataFolder(_made(cache / _DATA), (own, shared), kept=True)
    data = DataFolder(folder / _DATA, (own,), kept=False)
    data.clear()
    return data


def reap_runs(runs: Path) -> None:
    """Remove what engines of runs that are dead have left: their data, sockets and control groups. Blocks."""
    for folder in runs.glob(f"*/{FOLDER}"):
        lock = _locked(folder) if (folder / _LOCK).is_file() else None  # else it is somebody else's folder
        if lock is None:
            continue
        remove_tree(folder / _DATA)
        for socket in folder.glob("*.sock"):
            socket.unlink(missing_ok=True)
        os.close(lock)
    reap_cgroups()


def reap_cgroups() -> None:
    """Remove our control groups that are empty, and podman's; those in use refuse."""
    for hierarchy in (_CGROUPS, *_folders(_CGROUPS)):
        for group in _folders(hierarchy):
            if group.name.startswith((CGROUP_PREFIX, _PODMAN_CGROUPS)):
                _remove_cgroup(group)


def remove_tree(path: Path) -> None:
    """Remove a folder, whatever its modes; nothing if it is gone."""
    shutil.rmtree(path, ignore_errors=True)


def _remove_cgroup(group: Path) -> None:
    for below in _folders(group):
        _remove_cgroup(below)
    with suppress(OSError):
        group.rmdir()


def _folders(path: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (below for below in list(path.iterdir()) if below.is_dir() and not below.is_symlink())


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o711)
    return path


def _locked(folder: Path) -> int | None:
    _made(folder)
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
