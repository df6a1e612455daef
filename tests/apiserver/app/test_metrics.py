from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.apiserver.app.conftest import Caller

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"
LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+')


async def _metrics(caller: Caller) -> dict[str, float]:
    answer = await caller.ask("GET", "/metrics", token="reader-token")
    assert answer.header("content-type").startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


async def test_requests_are_counted_by_what_they_asked_and_how_they_ended(
    caller: Caller, session: Callable[..., dict[str, Any]]
) -> None:
    await caller.ask("POST", SESSIONS, session("one"))
    await caller.ask("POST", SESSIONS, session("one"))
    await caller.ask("GET", SESSIONS)
    await caller.ask("GET", f"{SESSIONS}/two")
    found = await _metrics(caller)

    def requests(verb: str, code: int) -> float:
        about = f'verb="{verb}",group="tilt.dev",resource="sessions",subresource="",code="{code}"'
        return found[f"apiserver_request_total{{{about}}}"]

    assert (requests("create", 201), requests("create", 409)) == (1, 1)
    assert (requests("list", 200), requests("get", 404)) == (1, 1)
    about = 'verb="create",resource="sessions"'
    assert found[f"apiserver_request_duration_seconds_count{{{about}}}"] == 2
    assert found[f'apiserver_request_duration_seconds_bucket{{{about},le="+Inf"}}'] == 2


async def test_storage_and_its_watchers_are_told(caller: Caller, session: Callable[..., dict[str, Any]]) -> None:
    await caller.ask("POST", SESSIONS, session("one"))
    watch = caller.call("GET", f"{SESSIONS}?watch=1")
    found: dict[str, float] = {}
    async with anyio.create_task_group() as group:
        group.start_soon(watch.run)
        await watch.begun()
        found = await _metrics(caller)
        watch.hang_up()
    assert found['apiserver_storage_objects{resource="tilt.dev/sessions"}'] == 1
    assert (found["upright_watchers"], found["apiserver_longrunning_requests"]) == (1, 1)
    assert (found["upright_store_groups_total"], found["upright_store_writes_total"]) == (1, 1)
    assert found["upright_store_queue_writes"] == 0


async def test_metrics_are_for_readers(caller: Caller) -> None:
    assert (await caller.ask("GET", "/metrics", token="")).status == 401
