"""``upright apiserver backup FILE``: copies a server's database while the server runs."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from upright.apiserver.state_folder import DATABASE, state_folder
from upright.apiserver.storage.checking import trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAILED, _USAGE_ERROR = 1, 2
_PAGES_AT_ONCE = 4096


class BackupFailed(Exception):
    """There is nothing to copy, or the copy would not be whole."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy, check the copy, and put it in place; return the exit code."""
    parser = argparse.ArgumentParser(prog="upright apiserver backup")
    parser.add_argument("file", type=Path)
    parser.add_argument("--state", type=Path, default=None)
    parser.add_argument("--database", default="")
    asked = parser.parse_args(arguments)
    where = asked.database or str(state_folder(asked.state) / DATABASE)
    if "://" in where:
        sys.stderr.write(
            "Error: a PostgreSQL database is backed up by its own means: pg_dump --dbname=URL --file=FILE\n"
        )
        return _USAGE_ERROR
    try:
        size = backup(Path(where), asked.file)
    except (BackupFailed, OSError, sqlite3.Error) as error:
        sys.stderr.write(f"Error: no backup was made: {error}\n")
        return _FAILED
    sys.stderr.write(f"Backed up {where} to {asked.file} ({size:,} bytes)\n")
    return 0


def backup(database: Path, target: Path) -> int:
    """Write a consistent copy, as of one commit, for its owner's eyes only; return its size.

    ``target`` must not be there. Writers are not held up: WAL lets a reader see one moment while others write on.
    """
    if not database.exists():
        raise BackupFailed(f"there is no database at {database}: say where with --state or --database")
    if target.exists():
        raise BackupFailed(f"{target} is there already: choose another name")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        with (
            closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(made)) as copy,
        ):
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM facts").fetchone()  # from here on it is one moment that is read
            source.backup(copy, pages=_PAGES_AT_ONCE)
            copy.execute("PRAGMA journal_mode=DELETE")
        if wrong := trouble(Path(made)):
            raise BackupFailed(f"the copy is damaged ({wrong})")
        _sync(Path(made))
        os.link(made, target)  # unlike a rename, this never replaces what has come there meanwhile
        _sync(target.parent)
    finally:
        Path(made).unlink(missing_ok=True)
    return target.stat().st_size


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


if __name__ == "__main__":
    sys.exit(main())
