"""The Session's status has Tilt's fields with Tilt's values; the constants are what a real Tilt printed, and prints where one is at hand."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.e2e.leftovers import pause
from tests.e2e.project import is_free

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.project import Project
    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

TILTFILE = """
update_settings(max_parallel_updates=10)
local_resource('works', 'true', allow_parallel=True)
local_resource('fails', 'exit 3', allow_parallel=True)
local_resource('held', 'true', resource_deps=['fails'])
local_resource('runs', 'sleep 300', allow_parallel=True)
local_resource('later', 'true', auto_init=False)
local_resource('never', serve_cmd='sleep 300', auto_init=False)
local_resource('serves', serve_cmd='sleep 300', allow_parallel=True)
local_resource('probed', 'true', serve_cmd='sleep 300', allow_parallel=True,
  readiness_probe=probe(period_secs=1, exec=exec_action(['false'])))
local_resource('ends', serve_cmd='exit 5', allow_parallel=True)
"""
_ENDED = {"terminated": {"startTime": "TIME", "finishTime": "TIME"}}
STATES: dict[str, Json] = {
    "ends:serve": {"terminated": {"startTime": "TIME", "finishTime": "TIME", "error": "ENDED"}},
    "fails:update": {"terminated": {**_ENDED["terminated"], "error": 'Command "exit 3" failed: exit status 3'}},
    "held:update": {"waiting": {"waitReason": "is-unparallelizable-local"}},
    "later:update": {},
    "never:serve": {},
    "probed:serve": {"active": {"startTime": "TIME", "ready": False}},
    "probed:update": _ENDED,
    "runs:update": {"active": {"startTime": "TIME", "ready": False}},
    "serves:serve": {"active": {"startTime": "TIME", "ready": True, "lastReadyTime": "TIME"}},
    "tiltfile:update": _ENDED,
    "works:update": _ENDED,
}
TYPES = {"serve": "server", "update": "job"}
TARGETS = [
    {
        "name": name,
        "type": TYPES[name.partition(":")[2]],
        "resources": ["(Tiltfile)" if name == "tiltfile:update" else name.partition(":")[0]],
        "state": state,
    }
    for name, state in STATES.items()
]
STATUS: Json = {"pid": "NUMBER", "startTime": "TIME", "done": False, "targets": TARGETS}
OURS = {"verdict", "failures"}
"""What stands beside Tilt's fields."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ENDED_SERVER = re.compile(r"Process \d+ exited with non-zero status|the server \(serve_cmd\) exited with code 5")
"""Tilt's words and ours, which have the code."""


def plain(value: object) -> object:
    """Return the JSON value without dates, and without fields that are null: to a client of Kubernetes' they are not there."""
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value)  # reason: keys of JSON are text
        return {name: plain(item) for name, item in pairs.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in cast("list[Any]", value)]  # reason: what isinstance told
    if isinstance(value, str):
        return "TIME" if _TIME.fullmatch(value) else "ENDED" if _ENDED_SERVER.fullmatch(value) else value
    return value


def status_of(session: Json) -> Json:
    status = cast("Json", plain(session["status"]))  # reason: an object stays one
    return status | {"pid": "NUMBER"} if int(status["pid"]) else status


def settled(ask: Callable[[], Json | None]) -> Json:
    """Return the status once it is as it is to be, or as it is when the time for that is over."""
    status: Json = {}
    for _ in range(300):
        found = ask()
        status = status_of(found) if found is not None else {}
        if STATUS.items() <= status.items():
            break
        pause(0.2)
    return status


def test_our_session_has_tilts_fields_and_values(project: Project) -> None:
    project.tiltfile(TILTFILE)
    running = project.start("--fail-fast=never")
    status = settled(lambda: next(iter(running.get("/apis/session")["items"]), None))
    running.signal(signal.SIGINT)
    assert running.ended().code == 130
    assert {name: value for name, value in status.items() if name not in OURS} == STATUS
    assert set(status) - set(STATUS) == OURS


def test_how_it_ended_is_told_in_tilts_fields_too(project: Project) -> None:
    project.tiltfile("local_resource('works', 'true')\n")
    done = status_of(project.ci().session)
    assert (done["done"], done.get("error")) == (True, None)
    project.tiltfile("local_resource('fails', 'exit 3')\n")
    failed = status_of(project.ci().session)
    assert failed["done"]
    assert failed["error"] == failed["verdict"]["reason"]


@pytest.mark.skipif("UPRIGHT_TEST_TILT" not in os.environ, reason="no real Tilt at hand: set UPRIGHT_TEST_TILT")
def test_the_real_tilts_session_is_the_same(project: Project) -> None:
    tilt, port = os.environ["UPRIGHT_TEST_TILT"], "10993"
    assert is_free(int(port))
    project.tiltfile(TILTFILE)
    environ = project.environment | {"DO_NOT_TRACK": "1", "TILT_PORT": port}

    def ask() -> Json | None:
        asked = [tilt, "get", "session", "-o", "json"]
        said = subprocess.run(asked, env=environ, capture_output=True, text=True, check=False).stdout
        return next(iter(json.loads(said)["items"]), None) if said else None

    command = [tilt, "up", "--stream", "--web-mode=prod"]
    with subprocess.Popen(command, cwd=project.folder, env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            assert settled(ask) == STATUS
        finally:
            process.send_signal(signal.SIGINT)
