"""What runs make on an engine that is not theirs bears their labels; what a killed one left is removed by the next."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.world.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.world.engine.protocol import Engine

RUN_LABEL = "dev.upright.run"
PROCESS_LABEL = "dev.upright.process"
"""Which process made it: machine, number, and when that began, for numbers are used again."""


def run_labels(run: str) -> dict[str, str]:
    """Return the labels of everything that this process makes for the run."""
    return {RUN_LABEL: run, PROCESS_LABEL: f"{_machine()}/{os.getpid()}/{_began(os.getpid())}"}


async def reap_dead(engine: Engine, say: Callable[[str], object]) -> None:
    """Remove what runs of this machine left that are no more; a private engine has nothing but ours."""
    if engine.info.private:
        return
    try:
        containers, networks = await engine.containers({PROCESS_LABEL: ""}), await engine.networks({PROCESS_LABEL: ""})
        labels = [*(one.labels for one in containers), *(one.labels for one in networks)]
        marks = {one.get(PROCESS_LABEL, ""): one.get(RUN_LABEL, "") for one in labels}
        for mark in sorted(marks):
            if is_dead(mark):
                reaped = await engine.reap({PROCESS_LABEL: mark})
                say(
                    f"Removed what run {marks[mark]} had left: {reaped.containers} containers, {reaped.networks} networks"
                )
    except EngineError as error:
        say(f"What earlier runs left could not be removed: {error}")


def is_dead(mark: str) -> bool:
    """Whether the process that left the mark was one of this machine and is gone."""
    machine, _, rest = mark.partition("/")
    pid, _, began = rest.partition("/")
    return machine == _machine() and pid.isdigit() and _began(int(pid)) != began


def _machine() -> str:
    """Return what tells this machine's process numbers from those of others, containers included."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return platform.node()
    return f"{boot}-{namespace}"


def _began(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
