"""Histories of concurrent clients, of a server that is killed again and again and forgets fast, keep every promise."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from contextlib import closing
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.storage.dying_server import STEPS
from tests.apiserver.storage.history import History, Listed, Saw, Segment, Wrote, violations
from upright.apiserver.sockets import listen, port_of
from upright.client import kubeconfig

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = str(Path(__file__).with_name("dying_server.py"))
PLACE = "/apis/tilt.dev/v1alpha1/configmaps"
KILLS = [(step, 60 if not step.startswith("compaction") else 8) for step in STEPS[::2]]
_GONE = (OSError, HTTPException)


def base() -> History:
    return History(
        [Segment(0, [Saw("ADDED", "a", 1, "x"), Saw("MODIFIED", "a", 2, "y"), Saw("DELETED", "a", 3, "y")])],
        [Listed(2, {"a": (2, "y")})],
        [Wrote("a", 2, "y")],
    )


def lost(history: History) -> None:
    history.segments.append(Segment(0, [Saw("ADDED", "a", 1, "x"), Saw("DELETED", "a", 3, "y")]))


def twice(history: History) -> None:
    history.segments.append(Segment(1, [Saw("MODIFIED", "a", 2, "y")] * 2))


def backwards(history: History) -> None:
    history.segments.append(Segment(0, [Saw("MODIFIED", "a", 2, "y"), Saw("ADDED", "a", 1, "x")]))


def before_its_beginning(history: History) -> None:
    history.segments.append(Segment(2, [Saw("MODIFIED", "a", 2, "y")]))


def otherwise(history: History) -> None:
    history.segments.append(Segment(1, [Saw("MODIFIED", "a", 2, "z")]))


def answered_otherwise(history: History) -> None:
    history.writes.append(Wrote("a", 1, "z"))


def wrong_type(history: History) -> None:
    history.segments[0].seen[1] = Saw("ADDED", "a", 2, "y")


def stale_list(history: History) -> None:
    history.lists.append(Listed(2, {"a": (1, "x")}))


def list_of_the_deleted(history: History) -> None:
    history.lists.append(Listed(3, {"a": (2, "y")}))


def list_of_the_future(history: History) -> None:
    history.lists.append(Listed(1, {"a": (2, "y")}))


def never_told(history: History) -> None:
    del history.segments[0].seen[1]


BREAKING = (
    lost, twice, backwards, before_its_beginning, otherwise, answered_otherwise, wrong_type, stale_list,
    list_of_the_deleted, list_of_the_future, never_told,
)  # fmt: skip


@pytest.mark.parametrize("breaks", BREAKING, ids=lambda breaks: breaks.__name__)
def test_a_broken_promise_is_noticed(breaks: Callable[[History], None]) -> None:
    history = base()
    assert list(violations(history)) == []
    breaks(history)
    assert list(violations(history))


class Client(threading.Thread):
    """Does one thing again and again, over every crash, until it is told to stop."""

    def __init__(self, folder: Path, port: int, work: Callable[[Client], None]) -> None:
        super().__init__(daemon=True)
        self.folder, self.port, self.work = folder, port, work
        self.stop = threading.Event()
        self.connection: HTTPSConnection | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                access = kubeconfig.read(self.folder / "kubeconfig")
                tls = ssl.create_default_context(cadata=access.authority)
                with closing(HTTPSConnection("127.0.0.1", self.port, context=tls, timeout=20)) as self.connection:
                    self.token = access.token
                    self.work(self)
            except (*_GONE, ValueError):
                self.stop.wait(0.05)
            except BaseException as error:  # noqa: BLE001  reason: the test raises it
                self.error = error
                return

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        assert self.connection
        media = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media}
        self.connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


class Writer:
    """Creates, changes and deletes three objects that other writers write too."""

    def __init__(self, history: History, number: int) -> None:
        self.history, self.number, self.count = history, number, 0

    def __call__(self, client: Client) -> None:
        while not client.stop.is_set():
            self.count += 1
            name, value = f"c{(self.count + self.number) % 3}", f"{self.number}-{self.count}"
            body = {"metadata": {"name": name}, "data": {"v": value}}
            if self.count % 7 == 0:
                client.call("DELETE", f"{PLACE}/{name}")
                continue
            code, told = client.call("PATCH", f"{PLACE}/{name}", body)
            if code == 404:
                code, told = client.call("POST", PLACE, body)
            if code < 300:
                self.history.writes.append(Wrote(name, int(told["metadata"]["resourceVersion"]), value))


class Watcher:
    """Lists, watches, resumes from where it was; a lazy one comes back when much has happened."""

    def __init__(self, history: History, *, lazy: bool) -> None:
        self.history, self.lazy = history, lazy
        self.since = 0
        self.relisted = 0

    def __call__(self, client: Client) -> None:
        if not self.since:
            _, told = client.call("GET", PLACE)
            self.since = int(told["metadata"]["resourceVersion"])
            items = {
                o["metadata"]["name"]: (int(o["metadata"]["resourceVersion"]), o["data"]["v"]) for o in told["items"]
            }
            self.history.lists.append(Listed(self.since, items))
            self.relisted += 1
        segment = Segment(self.since)
        self.history.segments.append(segment)
        assert client.connection
        path = f"{PLACE}?watch=1&timeoutSeconds=5&resourceVersion={self.since}"
        client.connection.request("GET", path, headers={"Authorization": f"Bearer {client.token}"})
        answer = client.connection.getresponse()
        if answer.status == 410:
            self.since = 0
            return
        for line in answer:
            event = json.loads(line)
            if event["type"] == "ERROR":
                self.since = 0
                return
            meta = event["object"]["metadata"]
            self.since = int(meta["resourceVersion"])
            segment.seen.append(Saw(event["type"], meta["name"], self.since, event["object"]["data"]["v"]))
            if client.stop.is_set():
                return
            if self.lazy and len(segment.seen) == 5:
                client.stop.wait(0.4)
                return


def crash(step: str, count: int, folder: Path, port: int) -> None:
    """Run the server until it kills itself."""
    command = [sys.executable, PROGRAM, step, str(count), "--port=0", f"--secure-port={port}", f"--state={folder}"]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_clients_of_a_server_that_is_killed_again_and_again_see_one_order_without_holes(tmp_path: Path) -> None:
    sockets = listen("127.0.0.1", 0)
    port = port_of(sockets)
    for bound in sockets:
        bound.close()
    history = History()
    watchers = [Watcher(history, lazy=lazy) for lazy in (False, False, True)]
    works: list[Callable[[Client], None]] = [*watchers, *(Writer(history, number) for number in range(3))]
    clients = [Client(tmp_path, port, work) for work in works]
    for client in clients:
        client.start()
    for step, count in KILLS:
        crash(step, count, tmp_path, port)
    for client in clients:
        client.stop.set()
    for client in clients:
        client.join(30)
        assert client.error is None, client.error
    assert list(violations(history)) == []
    seen = {saw.revision for segment in history.segments for saw in segment.seen}
    assert len(seen) >= 150, "much was seen"
    assert len(history.writes) >= 100, "much was written"
    assert watchers[2].relisted >= 2, "the lazy one came too late"
    assert sum(len(segment.seen) > 0 for segment in history.segments) >= 2 * len(KILLS), "watches were resumed"
