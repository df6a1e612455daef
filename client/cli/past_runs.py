"""Runs that have ended: their folders, as long as they are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from upright.client.cli.troubles import WrongUsage, closest
from upright.client.log_folder import INDEX
from upright.client.state_home import state_home

_ABOUT = "run.json"


class PastRun(NamedTuple):
    """A run's folder, and the Tiltfile that was run."""

    path: Path
    tiltfile: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"


def newest_of(cwd: Path) -> PastRun | None:
    """Return the newest run of a Tiltfile in this directory that logged anything."""
    folders = sorted((state_home() / "runs").glob("*"), reverse=True)
    runs = (found for folder in folders if (found := _read(folder)) is not None)
    return next((run for run in runs if run.tiltfile.parent == cwd and (run.logs / INDEX).exists()), None)


def named(word: str) -> PastRun:
    """Return the run whose folder this is, by its path or its name. Raises WrongUsage."""
    runs = state_home() / "runs"
    found = _read(runs / word) or _read(Path(word).absolute())
    if found is None:
        names = sorted(folder.name for folder in runs.glob("*"))
        raise WrongUsage(f'there is no run "{word}" in {runs}, nor is it the folder of one{closest(word, names)}')
    return found


def _read(folder: Path) -> PastRun | None:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        return PastRun(folder, Path(about["project"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
