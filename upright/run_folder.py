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
    """Make the folder of a new run of the project (the Tiltfile's path); ``state`` is another place to have it."""
    name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    path = Path(state).absolute() if state else state_home() / "runs" / name
    (path / "cluster").mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    about = {"project": str(project), "pid": os.getpid()}
    (path / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
    return RunFolder(path, name)


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
