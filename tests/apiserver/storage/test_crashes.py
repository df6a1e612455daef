"""What a server answered survives a kill -9 in the middle of any step of writing; nothing else comes of it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from ssl import create_default_context
from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.storage.dying_server import STEPS
from upright.apiserver.storage.checking import trouble
from upright.apiserver.storage.records import Address
from upright.apiserver.storage.store import Store
from upright.client import kubeconfig

if TYPE_CHECKING:
    from upright.client.kubeconfig import Access

PROGRAM = str(Path(__file__).with_name("dying_server.py"))
PLACE = "/apis/tilt.dev/v1alpha1/configmaps"
WORKERS = 4


class Caller(threading.Thread):
    """Writes one object after the other until the server is gone; remembers what was asked and what was answered."""

    def __init__(self, access: Access, number: int) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.answered: dict[str, tuple[int, int] | None] = {}
        self.asked: dict[str, int | None] = {}
        host, _, port = access.server.removeprefix("https://").partition(":")
        tls = create_default_context(cadata=access.authority)
        self._connection = HTTPSConnection(host, int(port), context=tls, timeout=20)
        self._headers = {"Authorization": f"Bearer {access.token}", "Content-Type": "application/merge-patch+json"}

    def run(self) -> None:
        try:
            for value in range(1_000_000):
                self._write(f"w{self.number}-{value % 5}", value)
        except (OSError, HTTPException):
            return
        finally:
            self._connection.close()

    def _write(self, name: str, value: int) -> None:
        there = self.answered.get(name)
        if there and value % 11 == 0:
            self.asked[name] = None
            self._call("DELETE", f"{PLACE}/{name}", None)
            self.answered[name] = None
            return
        self.asked[name] = value
        body = {"metadata": {"name": name}, "data": {"n": str(value), "pad": "x" * 1500}}
        told = self._call("PATCH", f"{PLACE}/{name}", body) if there else self._call("POST", PLACE, body, json_=True)
        self.answered[name] = value, int(told["metadata"]["resourceVersion"])

    def _call(self, method: str, path: str, body: object, *, json_: bool = False) -> Any:  # noqa: ANN401  reason: a decoded document
        headers = self._headers | ({"Content-Type": "application/json"} if json_ or body is None else {})
        self._connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = self._connection.getresponse()
        told = json.loads(answer.read())
        assert answer.status < 300, told
        return told


def serve(step: str, count: int, folder: Path) -> tuple[list[Caller], int]:
    """Run the server until it kills itself under the callers' writes."""
    command = [sys.executable, PROGRAM, step, str(count), "--port=0", f"--state={folder}"]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        for line in process.stderr:
            lines.put(line)
            if line.startswith("kubectl"):
                break
        access = kubeconfig.read(folder / "kubeconfig")
        callers = [Caller(access, number) for number in range(WORKERS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(40)
        return callers, process.wait(40)


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
async def test_an_answered_write_survives_a_kill_9_in_every_step(tmp_path: Path, step: str) -> None:
    count = 2 if step.startswith("compaction") else 40
    callers, code = serve(step, count, tmp_path)
    assert code == -signal.SIGKILL
    assert sum(len(caller.answered) for caller in callers) >= WORKERS
    assert not trouble(tmp_path / "state.db")
    async with Store.open(str(tmp_path / "state.db")) as store:
        for caller in callers:
            for name, asked in caller.asked.items():
                stored = store.get(Address("", "tilt.dev/configmaps", "", name))
                found = int(stored.body["data"]["n"]) if stored else None
                answered = caller.answered.get(name)
                was = answered[0] if answered else None
                assert found in {was, asked}, "what was answered is there, or what was asked last and not answered"
                if answered and stored and found == was:
                    assert stored.revision == answered[1]
        revisions: list[int] = []
        for resource in ("tilt.dev/configmaps", "upright/tokens"):
            with store.watch(resource, since=store.compacted) as watch:
                revisions += [event.revision for event in await watch.take(0.0)]
        assert sorted(revisions) == list(range(store.compacted + 1, store.revision + 1))
        assert (await store.create(Address("", "x", "", "x"), {"metadata": {}})).revision == store.revision
