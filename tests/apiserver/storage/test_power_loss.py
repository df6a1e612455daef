"""What a shared server answered outlives a loss of power: its disk is rebuilt as of many moments, of synced bytes alone."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest

from tests.apiserver.storage import disk
from tests.apiserver.storage.test_crashes import WORKERS, Caller
from upright.apiserver.storage.checking import trouble
from upright.apiserver.storage.records import Address
from upright.apiserver.storage.store import Store
from upright.client import kubeconfig

if TYPE_CHECKING:
    from pathlib import Path

WRITES = 60
"""By each of the callers."""
MOMENTS = 80


def _strace_works() -> bool:
    strace = shutil.which("strace")
    if strace is None:
        return False
    return subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


class Enough(OSError):
    """The caller has written what it was to write."""


class Remembering(Caller):
    """Remembers when each write was begun and when it was answered."""

    def begin(self) -> None:
        self.told: list[tuple[float, float, str, int | None]] = []  # begun, answered, name, value
        self.start()

    def _call(self, method: str, path: str, body: Any, *, json_: bool = False) -> Any:  # noqa: ANN401  reason: a decoded document
        if len(self.told) == WRITES:
            raise Enough
        begun = time.clock_gettime(time.CLOCK_REALTIME)
        told = super()._call(method, path, body, json_=json_)
        name = body["metadata"]["name"] if body else path.rpartition("/")[2]
        value = int(body["data"]["n"]) if body else None
        self.told.append((begun, time.clock_gettime(time.CLOCK_REALTIME), name, value))
        return told

    def allowed(self, moment: float) -> dict[str, set[int | None]]:
        """Return what may be stored at a moment: what was answered last, or what was being written."""
        found: dict[str, set[int | None]] = {}
        for begun, answered, name, value in self.told:
            if answered <= moment:
                found[name] = {value}
            elif begun <= moment:
                found.setdefault(name, {None}).add(value)
        return found


def record(folder: Path) -> list[Remembering]:
    """Run a server under strace, have the callers write to it, and end it by SIGKILL."""
    database = folder / "state.db"
    traced = disk.command(folder / "record", database, folder / "state.db-wal")
    serve = [sys.executable, "-m", "upright.client.cli", "apiserver", "--port=0", f"--state={folder}"]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder)}
    with subprocess.Popen(
        [*traced, *serve], env=environment, stderr=subprocess.PIPE, text=True, process_group=0
    ) as process:
        assert process.stderr
        try:
            next(line for line in process.stderr if line.startswith("kubectl"))
            access = kubeconfig.read(folder / "kubeconfig")
            callers = [Remembering(access, number) for number in range(WORKERS)]
            for caller in callers:
                caller.begin()
            for caller in callers:
                caller.join(50)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    return callers


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.skipif(
    not _strace_works(), reason="strace (Debian's package of that name), and leave to trace, are needed"
)
async def test_an_answered_write_survives_a_loss_of_power(tmp_path: Path) -> None:
    callers = await anyio.to_thread.run_sync(record, tmp_path)
    files = disk.read(tmp_path / "record")
    assert {place.name for place in files} == {"state.db", "state.db-wal"}
    answers = sorted(answered for caller in callers for _, answered, _, _ in caller.told)
    assert len(answers) == WORKERS * WRITES
    chance = random.Random(7)
    for number, moment in enumerate((*chance.sample(answers, MOMENTS), answers[-1])):
        folder = tmp_path / f"cut-{number}"
        folder.mkdir()
        disk.after_power_loss(files, moment, folder, chance)
        database = folder / "state.db"
        assert not trouble(database)
        async with Store.open(str(database)) as store:
            for caller in callers:
                for name, values in caller.allowed(moment).items():
                    stored = store.get(Address("", "tilt.dev/configmaps", "", name))
                    found = int(stored.body["data"]["n"]) if stored else None
                    assert found in values, f"{name} at {moment}"


def test_what_was_not_synced_may_be_lost(tmp_path: Path) -> None:
    """The disk of these tests forgets: else the test above could not fail."""
    place = tmp_path / "f"
    changes = [disk.Change(1.0, 1.1, 0, b"a" * 600), disk.Change(3.0, 3.1, 600, b"b" * 600)]
    files = {place: disk.File(changes, syncs=[(2.0, 2.1), (4.0, 4.1)])}
    held = partial(_held, files, place, tmp_path)
    assert held(2.5) == {b"a" * 600}
    assert len(held(3.5)) > 2
    assert held(5.0) == {b"a" * 600 + b"b" * 600}


def _held(files: dict[Path, disk.File], place: Path, folder: Path, moment: float) -> set[bytes]:
    found = set[bytes]()
    for seed in range(50):
        disk.after_power_loss(files, moment, folder, random.Random(seed))
        found.add(place.read_bytes())
    return found
