"""``/log`` of Sessions and Resources, over logs that are written by whoever really writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.apiserver.app.conftest import TOKENS, Caller
from upright.apiserver.app.front import Front
from upright.apiserver.auth import Guard
from upright.controllers.world.logs import Logs
from upright.openapi.meta import ObjectMeta
from upright.openapi.subresources import Subresources
from upright.openapi.v1alpha1.resource import LocalSpec, Resource, ResourceSpec
from upright.openapi.v1alpha1.session import Session, SessionSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from upright.apiserver.registry import Registry
    from upright.client.client import Client

API = "/apis/tilt.dev/v1alpha1"
SESSION = f"{API}/sessions/Tiltfile/log"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """A second passes from look to look."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@pytest.fixture
async def logs(tmp_path: Path) -> AsyncGenerator[Logs]:
    async with Logs(tmp_path / "logs", Clock(), lambda text: text.replace("hunter2", "[redacted]")) as made:
        yield made


@pytest.fixture
async def front(registry: Registry, client: Client) -> Front:
    await client.create(Session(metadata=ObjectMeta(name="Tiltfile"), spec=SessionSpec(tiltfile_path="/p/Tiltfile")))
    for name in ("db", "web"):
        spec = ResourceSpec(kind="local", local=LocalSpec())
        await client.create(Resource(metadata=ObjectMeta(name=name), spec=spec))
    return Front(registry, Guard(TOKENS), Subresources(), now=lambda: START + timedelta(seconds=10), version="1")


@pytest.fixture
def caller(front: Front, logs: Logs) -> Caller:
    """Return who asks a server whose run has logged six lines, one a second."""
    front.logs.open(logs)
    logs.open("upright", "").write("begun")
    logs.open("build:web", "web").write("Initial Build", fields={"buildEvent": "init"})
    logs.open("build:web", "web").write("careful", level="WARN")
    logs.open("cmd:web", "web").write("the password is hunter2")
    logs.open("cmd:db", "db").write("no disk", level="ERROR")
    logs.open("cmd:db", "db").write("detail", level="DEBUG")
    return Caller(front, Subresources())


async def text_of(caller: Caller, path: str) -> str:
    answer = await caller.ask("GET", path)
    assert answer.status == 200, answer.body
    return answer.body.decode()


async def test_a_resources_log_is_its_lines_as_they_were_written(caller: Caller) -> None:
    said = await text_of(caller, f"{API}/resources/web/log")
    assert said == "Initial Build\ncareful\nthe password is [redacted]\n"
    assert await text_of(caller, "/apis/resource/web/log") == said


async def test_a_sessions_log_says_whose_each_line_is(caller: Caller) -> None:
    lines = (await text_of(caller, SESSION)).splitlines()
    assert lines[:2] == ["begun", "web │ Initial Build"]
    assert lines[-1] == "db │ no disk"


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("resource=db", ["no disk"]),
        ("resource=db&least=DEBUG", ["no disk", "detail"]),
        ("resource=db&resource=web", ["Initial Build", "careful", "the password is [redacted]", "no disk"]),
        ("source=build", ["Initial Build", "careful"]),
        ("level=error", ["Initial Build", "no disk"]),
        ("level=warn&resource=web", ["Initial Build", "careful"]),
        ("tailLines=1", ["no disk"]),
        ("tailLines=1&resource=web&source=build", ["careful"]),
        ("tailLines=0", []),
        ("tailLines=99&source=runtime", ["begun", "Initial Build", "the password is [redacted]", "no disk"]),
        ("sinceSeconds=6", ["the password is [redacted]", "no disk"]),
        ("sinceTime=2026-01-02T03:04:10Z", ["no disk"]),
    ],
)
async def test_lines_are_chosen_by_the_query(caller: Caller, query: str, texts: list[str]) -> None:
    said = await text_of(caller, f"{SESSION}?format=json&{query}")
    assert [json.loads(line)["text"] for line in said.splitlines()] == texts


async def test_a_line_as_json_has_all_that_is_known_of_it(caller: Caller) -> None:
    said = (await text_of(caller, f"{SESSION}?format=json&resource=web")).splitlines()
    assert json.loads(said[0]) == {
        "time": "2026-01-02T03:04:07.000000Z",
        "resource": "web",
        "span": "build:web",
        "level": "INFO",
        "text": "Initial Build",
        "fields": {"buildEvent": "init"},
    }
    assert json.loads(said[1])["anchor"] is True


async def test_moments_stand_before_the_lines_when_asked_for(caller: Caller) -> None:
    said = await text_of(caller, f"{SESSION}?timestamps=true&tailLines=1")
    assert said == "2026-01-02T03:04:10.000000Z db │ no disk\n"


@pytest.mark.parametrize("query", ["tailLines=few", "sinceSeconds=x", "sinceTime=today", "level=loud", "source=me"])
async def test_a_query_that_cannot_be_read_is_refused(caller: Caller, query: str) -> None:
    answer = await caller.ask("GET", f"{SESSION}?{query}")
    assert answer.status == 400
    assert answer.json()["reason"] == "BadRequest"


async def test_what_is_not_there_has_no_log(caller: Caller) -> None:
    assert (await caller.ask("GET", f"{API}/resources/none/log")).status == 404
    assert (await caller.ask("GET", f"{API}/cmds/none/log")).status == 404


@pytest.mark.parametrize("tail", ["", "&tailLines=1"])
async def test_following_goes_on_until_the_logs_are_finished(caller: Caller, logs: Logs, tail: str) -> None:
    path = f"{SESSION}?follow=true&resource=db{tail}"
    call = caller.call("GET", path)
    async with anyio.create_task_group() as group:
        group.start_soon(call.run)
        assert (await call.begun()).status == 200
        assert await call.line() == "no disk"
        logs.open("cmd:web", "web").write("not his")
        logs.open("cmd:db", "db").write("more")
        assert await call.line() == "more"
        logs.finish()
        assert await call.line() == ""


async def test_following_waits_for_logs_that_nobody_has_brought_yet(front: Front, logs: Logs) -> None:
    call = Caller(front, Subresources()).call("GET", f"{SESSION}?follow=true")
    async with anyio.create_task_group() as group:
        group.start_soon(call.run)
        assert (await call.begun()).status == 200
        front.logs.open(logs)
        logs.open("upright", "").write("here I am")
        assert await call.line() == "here I am"
        call.hang_up()
