"""What the real ``tilt`` sends, recorded once from its binary, is answered as it was then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.apiserver.tilt.conftest import TOKEN
from upright.openapi.v1alpha1.session import Session, SessionStatus

if TYPE_CHECKING:
    from tests.apiserver.app.conftest import Answer, Caller
    from upright.client.client import Client

SWITCHED = 101

RECORDED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "recorded.json").read_text())


async def replay(caller: Caller, sent: dict[str, Any]) -> Answer:
    headers = {name: value.replace("TOKEN", "admin-token") for name, value in sent["headers"].items()}
    if "x-tilt-token" in headers:
        headers["x-tilt-token"] = TOKEN
    body: object = sent.get("body", "").encode()
    path = sent["path"]
    if sent["method"] == "PUT":
        there = (await caller.ask("GET", path)).json()
        body = json.loads(sent["body"])
        assert isinstance(body, dict)
        body["metadata"] |= {"resourceVersion": there["metadata"]["resourceVersion"], "uid": there["metadata"]["uid"]}
        body["metadata"].pop("ownerReferences", None)
    if "VERSION" in path:
        listed = (await caller.ask("GET", path.partition("?")[0])).json()
        path = path.replace("VERSION", listed["metadata"]["resourceVersion"])
    call = caller.call(sent["method"], path, body, scheme=sent["scheme"], token="", **headers)
    if "watch=true" not in path:
        await call.run()
        return await call.answer()
    answers: list[Answer] = []
    async with anyio.create_task_group() as group:
        group.start_soon(call.run)
        answers.append(await call.begun())
        if "sendInitialEvents" in path or "resourceVersion=0" in path:
            assert (await call.event())["type"] in {"ADDED", "BOOKMARK"}
        call.hang_up()
    return answers[0]


async def view_over_a_socket(caller: Caller) -> None:
    """Ask for what ``tilt logs`` reads, with what was handed out for it."""
    token = (await caller.ask("GET", "/api/websocket_token")).body.decode()
    said: list[dict[str, Any]] = []
    gone = anyio.Event()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await gone.wait()
            return {"type": "websocket.disconnect"}
        asked = True
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:  # noqa: ANN401  reason: as ASGI has it
        said.append(message)
        if message["type"] == "websocket.send":
            gone.set()

    query = f"csrf={token}".encode()
    scope = {"type": "websocket", "scheme": "ws", "path": "/ws/view", "raw_path": b"/ws/view", "query_string": query}
    about = {"headers": [(b"host", b"localhost:10350")], "server": ("127.0.0.1", 10350), "client": ("127.0.0.1", 1)}
    with anyio.fail_after(10):
        await caller.front({**scope, **about, "extensions": {}, "subprotocols": []}, receive, send)
    assert [message["type"] for message in said[:2]] == ["websocket.accept", "websocket.send"]
    assert json.loads(said[1]["text"])["isComplete"]


async def test_all_that_tilt_sends_is_answered_as_it_was(caller: Caller) -> None:
    for session in RECORDED:
        for sent in session["requests"]:
            if sent["status"] == SWITCHED:
                await view_over_a_socket(caller)
                continue
            answer = await replay(caller, sent)
            assert answer.status == sent["status"], (session["command"], sent["path"], answer.body[:300])


VERBS = [
    *("get", "describe", "wait", "logs", "trigger", "enable", "disable", "args", "api-resources", "explain", "dump"),
    *("snapshot", "create", "apply", "patch", "edit", "delete", "alpha"),
]


@pytest.mark.parametrize("verb", VERBS)
def test_each_command_is_among_the_recorded(verb: str) -> None:
    assert any(f"{session['command']} ".startswith(f"tilt {verb} ") for session in RECORDED)


async def test_the_status_extension_finds_in_a_session_what_it_shows(caller: Caller, client: Client) -> None:
    """It lists Sessions, watches them from there, and shows name, type, state and resources of each target."""
    (session,) = (one for one in RECORDED if "extension" in one["command"])
    listed, watched, pressed = session["requests"]
    target = {
        "name": "one:update",
        "type": "job",
        "resources": ["one"],
        "state": {"active": {"startTime": "2026-01-02T03:04:05Z", "ready": False}},
    }
    there = await client.get(Session, "Tiltfile")
    status = SessionStatus.model_validate({"targets": [target]})
    await client.update_status(there.model_copy(update={"status": status}))
    (found,) = (await replay(caller, listed)).json()["items"]
    (shown,) = found["status"]["targets"]
    assert {name: shown[name] for name in ("name", "type", "resources")} == {
        name: target[name] for name in ("name", "type", "resources")
    }
    assert shown["state"]["active"]["ready"] is False
    assert (await replay(caller, watched)).status == 200
    refused = await replay(caller, pressed)
    assert (refused.status, refused.body) == (403, b"missing session token\n"), "as Tilt answers who brings no token"
