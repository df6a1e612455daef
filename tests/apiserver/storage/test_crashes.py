"""What was answered survives a kill -9 in the middle of writing."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from upright.apiserver.storage.records import Address
from upright.apiserver.storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys, anyio
from upright.apiserver.storage.records import Address, Retention
from upright.apiserver.storage.store import Store

async def main():
    retention = Retention(events=50, step=10)
    async with Store.open(sys.argv[1], retention=retention) as store, anyio.create_task_group() as group:
        async def write(worker):
            for number in range(1_000_000):
                address = Address("", "cmds", "", f"{worker}-{number % 10}")
                body = {"metadata": {}, "n": number, "pad": "x" * 2000}
                stored = await store.write(address, lambda _: body)
                sys.stdout.write(f"{address.name} {number} {stored.revision}\\n")
                sys.stdout.flush()
        for worker in range(4):
            group.start_soon(write, worker)

anyio.run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize("writes", [1, 57, 400])
async def test_an_answered_write_survives_the_end_of_its_process(tmp_path: Path, writes: int) -> None:
    path = str(tmp_path / "state.db")
    answered: dict[str, tuple[int, int]] = {}
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220  reason: the test itself waits for it
        assert process.stdout
        for line in process.stdout:
            name, value, at = line.split()
            answered[name] = (int(value), int(at))
            if int(at) == writes:
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    async with Store.open(path) as store:
        last = max(revision for _, revision in answered.values())
        assert store.revision >= last
        for name, (number, revision) in answered.items():
            stored = store.get(Address("", "cmds", "", name))
            assert stored
            assert (stored.body["n"], stored.revision) >= (number, revision)
        with store.watch("cmds", since=store.compacted) as watch:
            revisions = [event.revision for event in await watch.take()]
        assert revisions == list(range(store.compacted + 1, store.revision + 1))
