"""The folder of a run: its database, logs, kubeconfig; the newest of a project are kept."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.client.state_home import state_home

if TYPE_CHECKING:
    from datetime import datetime

KEPT_RUNS = 20
_ABOUT = "run.json"
_FILES = ("state.db", "state.db-wal", "state.db-shm", "record", "kubeconfig", _ABOUT)
_FOLDERS = ("logs", "cluster")


class FolderTaken(Exception):
    """The folder that ``--state`` names is that of a run which still goes on."""


class StateNotKept(Exception):
    """What a run comes to cannot be written: the disk is full, or the database is gone. The message says where and why."""


class RunFolder(Struct, frozen=True):
    """Where a run keeps what it writes; ``id`` names the run."""

    path: Path
    id: str

    @property
    def database(self) -> Path:
        return self.path / "state.db"

    @property
    def record(self) -> Path:
        """What the run's verdict was made of, for ``upright replay``."""
        return self.path / "record"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def cluster(self) -> Path:
        """The embedded cluster's files."""
        return self.path / "cluster"

    @property
    def certificates(self) -> Path:
        """Where the servers' certificate is, which all runs share: making one takes longer than starting a server."""
        return state_home() / "certificates"


def make(project: Path, state: str, now: datetime) -> RunFolder:
    """Make the folder of a new run of the project (the Tiltfile's path).

    ``state`` is another place to have it: what an earlier run wrote there makes room. Raises FolderTaken while that one lives.
    """
    name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    path = Path(state).absolute() if state else state_home() / "runs" / name
    if state:
        _make_room(path)
    (path / "cluster").mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    about = {"project": str(project), "pid": os.getpid()}
    (path / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
    return RunFolder(path, name)


def _make_room(path: Path) -> None:
    """Remove what a run before this one wrote there; nothing of others, for the folder may be anybody's."""
    about = _about(path)
    if _lives(about.get("pid")) and about.get("pid") != os.getpid():
        raise FolderTaken(f"--state={path}: run {about['pid']} goes on there; name another folder")
    if about:
        for name in _FILES:
            (path / name).unlink(missing_ok=True)
        for name in _FOLDERS:
            shutil.rmtree(path / name, ignore_errors=True)


def prune(project: Path) -> None:
    """Remove the project's oldest runs beyond those that are kept, and credentials that killed runs have left.

    A run whose process lives is left alone.
    """
    runs = state_home() / "runs"
    mine = [folder for folder in sorted(runs.glob("*"), reverse=True) if _about(folder).get("project") == str(project)]
    for index, folder in enumerate(mine):
        if _lives(_about(folder).get("pid")):
            continue
        if index >= KEPT_RUNS:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            forget_credentials(folder / "cluster")


def forget_credentials(cluster: Path) -> None:
    """Remove the frozen kubeconfig of a run that has ended, and what was made of it."""
    with suppress(OSError):
        (cluster / "kubeconfig").unlink(missing_ok=True)
    shutil.rmtree(cluster / "kube-credentials", ignore_errors=True)


def _about(folder: Path) -> dict[str, object]:
    try:
        found = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _lives(pid: object) -> bool:
    return isinstance(pid, int) and Path(f"/proc/{pid}").exists()
