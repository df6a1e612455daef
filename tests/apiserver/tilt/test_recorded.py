"""What the real ``tilt`` sends, recorded once from its binary, is answered as it was then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.tilt.conftest import TOKEN

if TYPE_CHECKING:
    from tests.apiserver.app.conftest import Answer, Caller

RECORDED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "recorded.json").read_text())


async def replay(caller: Caller, sent: dict[str, Any]) -> Answer:
    headers = {name: value.replace("TOKEN", "admin-token") for name, value in sent["headers"].items()}
    if "x-tilt-token" in headers:
        headers["x-tilt-token"] = TOKEN
    body: object = sent.get("body", "").encode()
    if sent["method"] == "PUT":
        there = (await caller.ask("GET", sent["path"])).json()
        body = json.loads(sent["body"])
        assert isinstance(body, dict)
        body["metadata"] |= {"resourceVersion": there["metadata"]["resourceVersion"], "uid": there["metadata"]["uid"]}
        body["metadata"].pop("ownerReferences", None)
    call = caller.call(sent["method"], sent["path"], body, scheme=sent["scheme"], token="", **headers)
    await call.run()
    return await call.answer()


async def test_all_that_tilt_sends_is_answered_as_it_was(caller: Caller) -> None:
    for session in RECORDED:
        for sent in session["requests"]:
            answer = await replay(caller, sent)
            assert answer.status == sent["status"], (session["command"], sent["path"], answer.body[:300])


@pytest.mark.parametrize("command", ["get", "describe", "wait", "logs", "trigger", "enable", "disable", "args", "dump"])
def test_each_command_is_among_the_recorded(command: str) -> None:
    assert any(session["command"].startswith(f"tilt {command} ") for session in RECORDED)
