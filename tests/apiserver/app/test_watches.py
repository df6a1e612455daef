from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.apiserver.app.conftest import Caller

    Make = Callable[..., dict[str, Any]]

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"
MERGE = "application/merge-patch+json"


async def test_a_watch_tells_what_happens_a_line_an_event(caller: Caller, session: Make) -> None:
    watch = caller.call("GET", f"{SESSIONS}?watch=1&resourceVersion=0")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(watch.run)
            assert (await watch.begun()).status == 200
            made = await caller.ask("POST", SESSIONS, session())
            assert await watch.line() == '{"type":"ADDED","object":' + made.body.decode() + "}"
            await caller.ask("PATCH", f"{SESSIONS}/one", {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)
            assert (await watch.event())["type"] == "MODIFIED"
            await caller.ask("DELETE", f"{SESSIONS}/one")
            assert (await watch.event())["type"] == "DELETED"
            watch.hang_up()
            assert await watch.line() == ""


async def test_a_watch_of_one_object_hears_of_no_other(caller: Caller, session: Make) -> None:
    watch = caller.call("GET", "/apis/session/two?watch=true", token="")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(watch.run)
            await watch.begun()
            await caller.ask("POST", SESSIONS, session("one"))
            await caller.ask("POST", SESSIONS, session("two"))
            assert (await watch.event())["object"]["metadata"]["name"] == "two"
            watch.hang_up()


async def test_a_streaming_list_says_where_it_ends(caller: Caller, session: Make) -> None:
    await caller.ask("POST", SESSIONS, session())
    query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    watch = caller.call("GET", f"{SESSIONS}?{query}")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(watch.run)
            await watch.begun()
            assert (await watch.event())["type"] == "ADDED"
            mark = await watch.event()
            assert mark["type"] == "BOOKMARK"
            assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
            watch.hang_up()


async def test_tables_are_told_row_by_row_with_columns_in_the_first(caller: Caller, session: Make) -> None:
    watch = caller.call(
        "GET", f"{SESSIONS}?watch=1&resourceVersion=0", accept="application/json;as=Table;v=v1;g=meta.k8s.io"
    )
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(watch.run)
            await watch.begun()
            await caller.ask("POST", SESSIONS, session("a"))
            first = (await watch.event())["object"]
            await caller.ask("POST", SESSIONS, session("b"))
            second = (await watch.event())["object"]
            assert first["columnDefinitions"][0]["name"] == "NAME"
            assert second["columnDefinitions"] is None
            assert second["rows"][0]["cells"][0] == "b"
            watch.hang_up()


async def test_a_browser_gets_server_sent_events_with_ids(caller: Caller, session: Make) -> None:
    made = await caller.ask("POST", SESSIONS, session("a"))
    since = made.json()["metadata"]["resourceVersion"]
    watch = caller.call("GET", "/apis/session?watch=1", token="", accept="text/event-stream", last_event_id=since)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(watch.run)
            assert (await watch.begun()).header("content-type").startswith("text/event-stream")
            await caller.ask("POST", SESSIONS, session("b"))
            assert await watch.line() == f"id: {int(since) + 1}"
            kind, _, data = (await watch.line()).partition(": ")
            assert (kind, orjson.loads(data)["object"]["metadata"]["name"]) == ("data", "b")
            assert await watch.line() == ""
            watch.hang_up()


async def test_a_server_that_stops_ends_its_watches(caller: Caller) -> None:
    watch = caller.call("GET", f"{SESSIONS}?watch=1")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(watch.run)
            await watch.begun()
            assert len(caller.front.answers) == 1
            caller.front.answers.close()
            assert await watch.line() == ""
    assert len(caller.front.answers) == 0


async def test_a_watch_that_begins_after_the_end_ends_at_once(caller: Caller) -> None:
    caller.front.answers.close()
    assert (await caller.ask("GET", f"{SESSIONS}?watch=1")).body == b""


@pytest.mark.slow
async def test_a_watch_ends_after_its_time(caller: Caller) -> None:
    answer = await caller.ask("GET", f"{SESSIONS}?watch=1&timeoutSeconds=1")
    assert (answer.status, answer.body) == (200, b"")


async def test_a_reader_that_stalls_is_cut_off_and_one_that_reads_is_not(caller: Caller, session: Make) -> None:
    reading = caller.call("GET", f"{SESSIONS}?watch=1&resourceVersion=0")
    caller.buffer = 1
    stalled = caller.call("GET", f"{SESSIONS}?watch=1&resourceVersion=0")
    caller.buffer = 1000
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for watch in (reading, stalled):
                group.start_soon(watch.run)
                await watch.begun()
            for name in ("a", "b", "c"):
                await caller.ask("POST", SESSIONS, session(name))
            group.start_soon(caller.front.answers.cut_stalled, 0.01)
            await stalled._hung_up.wait()
            assert [(await reading.event())["type"] for _ in range(3)] == ["ADDED"] * 3
            assert (stalled.aborted, reading.aborted) == (True, False)
            reading.hang_up()
            group.cancel_scope.cancel()
