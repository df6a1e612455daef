"""Before a database file is used: nobody else uses it, and it is whole. One that is not is set aside, never replaced."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from upright.apiserver.storage.new_database import SET_ASIDE
from upright.apiserver.storage.records import Damaged, StorageError
from upright.apiserver.storage.sqlite import MAPPED

if TYPE_CHECKING:
    from pathlib import Path

_BESIDE = ("", "-wal", "-shm")
_BROKEN = ("malformed", "not a database", "corrupt", "encrypted")
_DANGLING = "SELECT count(*) FROM objects WHERE revision NOT IN (SELECT revision FROM events)"


class Lock:
    """A lock on a file, held until it is released or the process ends, however that comes."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def release(self) -> None:
        os.close(self._handle)


def alone(path: Path) -> Lock:
    """Hold the lock on a database file. Raises StorageError if another server has it."""
    beside = path.with_name(f"{path.name}.lock")
    handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise StorageError(
            f"the database {path} is in use by another server: end that one, or use another --state or --database"
        ) from error
    return Lock(handle)


def require_whole(path: Path) -> None:
    """Look through the file. Raises Damaged, after setting the file aside."""
    if not path.exists() or not path.stat().st_size:
        return
    wrong = trouble(path)
    if not wrong:
        return
    number = 1
    while (aside := path.with_name(f"{path.name}{SET_ASIDE}{number}")).exists():
        number += 1
    for part in _BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(path.name + part).rename(f"{aside}{part}")
    raise Damaged(
        f"the database {path} is damaged ({wrong}): it was set aside as {aside}. Put a backup in its place "
        f"(upright apiserver backup makes them), or move {aside.name} away to begin with an empty one"
    )


def trouble(path: Path) -> str:
    """Return what is wrong with a database file; nothing if it is whole."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(MAPPED).close()
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                return str(found)
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if {"objects", "events"} <= names and (lost := connection.execute(_DANGLING).fetchone()[0]):
                return f"{lost} objects have no body"
    except sqlite3.DatabaseError as error:
        if any(word in str(error) for word in _BROKEN):
            return str(error)
        raise
    return ""
