"""What Tilt's web endpoints answer, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.tilt.conftest import TOKEN
from upright.client.tilt_folder import folder
from upright.openapi.v1alpha1.resource import TRIGGER, TRIGGER_REASON, Resource
from upright.openapi.v1alpha1.tiltfile import Tiltfile
from upright.openapi.v1alpha1.ui_button import UIButton

if TYPE_CHECKING:
    from pathlib import Path

    from tests.apiserver.app.conftest import Answer, Caller
    from tests.apiserver.tilt.conftest import Log
    from upright.client.client import Client

READS = ["/api/view", "/api/snapshot/aaa", "/api/websocket_token"]
WRITES = ["/api/trigger", "/api/override/trigger_mode", "/api/set_tiltfile_args", "/api/analytics"]
BUTTON = {
    "apiVersion": "tilt.dev/v1alpha1",
    "kind": "UIButton",
    "metadata": {"name": "press"},
    "spec": {"text": "Press", "location": {"componentID": "one", "componentType": "Resource"}},
}


async def ask(
    caller: Caller, method: str, path: str, body: object = None, token: str = TOKEN, **headers: str
) -> Answer:
    return await caller.ask(method, path, body, token="", x_tilt_token=token, **headers)


@pytest.mark.parametrize("path", [*READS, *WRITES, "/api/dump/engine", "/proxy/apis/tilt.dev/v1alpha1/uibuttons"])
async def test_nothing_is_told_without_a_token(caller: Caller, path: str) -> None:
    method = "POST" if path in WRITES else "GET"
    missing = await caller.ask(method, path, [], token="")
    assert (missing.status, missing.body) == (403, b"missing session token\n")
    wrong = await ask(caller, method, path, [], "guess")
    assert (wrong.status, wrong.body) == (403, b"invalid session token\n")


async def test_an_empty_token_file_lets_nobody_in(caller: Caller, home: Path) -> None:
    (home / "token").write_text("")
    assert (await ask(caller, "GET", "/api/view", token="x")).status == 403
    assert (await caller.ask("GET", "/api/view", token="", x_tilt_token="")).status == 403


@pytest.mark.parametrize("path", READS)
async def test_the_pages_cookie_and_our_tokens_read(caller: Caller, path: str) -> None:
    assert (await caller.ask("GET", path, token="", cookie="upright-reader-10350=reader-token")).status == 200
    assert (await caller.ask("GET", path, token="reader-token")).status == 200
    assert (await caller.ask("GET", path, token="", cookie=f"Tilt-Token={TOKEN}")).status == 200


@pytest.mark.parametrize("path", WRITES)
async def test_a_reader_writes_nothing(caller: Caller, path: str) -> None:
    answer = await caller.ask("POST", path, {"manifest_names": ["one"]}, token="reader-token")
    assert (answer.status, answer.body) == (403, b"this session may only read\n")


async def test_pages_of_other_sites_are_refused_whatever_they_send(caller: Caller) -> None:
    body = {"manifest_names": ["one"]}
    answer = await ask(caller, "POST", "/api/trigger", body, origin="http://evil.example")
    assert answer.status == 403
    assert (await ask(caller, "POST", "/api/trigger", body, origin="http://localhost:10350")).status == 200


async def test_over_https_our_own_clients_are_answered_by_their_token(caller: Caller) -> None:
    for token, status in (("admin-token", 200), ("", 403)):
        call = caller.call("GET", "/api/view", token=token, scheme="https")
        await call.run()
        assert (await call.answer()).status == status


async def test_the_view_has_everything_in_tilts_order(caller: Caller, log: Log) -> None:
    log.say("Building")
    view: Any = (await ask(caller, "GET", "/api/view")).json()
    assert [one["metadata"]["name"] for one in view["uiResources"]] == ["(Tiltfile)", "two", "one", "off"]
    assert {one["kind"] for one in view["uiResources"]} == {"UIResource"}
    assert view["uiSession"]["metadata"]["name"] == "Tiltfile"
    assert (view["isComplete"], view["uiButtons"], view["clusters"]) == (True, [], [])
    assert view["tiltStartTime"] == "2026-01-02T03:04:10.000000Z"
    assert view["logList"] == {
        "spans": {"build:one": {"manifestName": "one"}},
        "segments": [
            {"spanId": "build:one", "time": "2026-01-02T03:04:10.000000Z", "text": "Building\n", "level": "INFO"}
        ],
        "fromCheckpoint": 0,
        "toCheckpoint": 1,
    }


async def test_a_view_without_logs_says_so(caller: Caller) -> None:
    view: Any = (await ask(caller, "GET", "/api/view")).json()
    assert view["logList"] == {"fromCheckpoint": -1, "toCheckpoint": -1}


async def test_a_snapshot_is_a_view_with_a_date(caller: Caller) -> None:
    made: Any = (await ask(caller, "GET", "/api/snapshot/any")).json()
    assert (made["createdAt"], len(made["view"]["uiResources"])) == ("2026-01-02T03:04:10.000000Z", 4)


async def test_the_engine_is_dumped_for_admins_only(caller: Caller) -> None:
    assert (await caller.ask("GET", "/api/dump/engine", token="reader-token")).status == 403
    dump: Any = (await ask(caller, "GET", "/api/dump/engine")).json()
    assert [one["metadata"]["name"] for one in dump["sessions"]] == ["Tiltfile"]
    assert dump["LogStore"]["toCheckpoint"] == -1


async def test_a_trigger_is_noted_on_the_resource(caller: Caller, client: Client) -> None:
    answer = await ask(caller, "POST", "/api/trigger", {"manifest_names": ["one"], "build_reason": 16})
    assert (answer.status, answer.body) == (200, b"")
    one = await client.get(Resource, "one")
    assert one.metadata.annotations[TRIGGER] == "2026-01-02T03:04:10.000000Z"
    assert one.metadata.annotations[TRIGGER_REASON] == "Web Trigger"


async def test_the_tiltfile_is_triggered_as_a_resource(caller: Caller, client: Client) -> None:
    assert (await ask(caller, "POST", "/api/trigger", {"manifest_names": ["(Tiltfile)"]})).status == 200
    assert (await client.get(Tiltfile, "(Tiltfile)")).metadata.annotations["tilt.dev/cause"]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/api/trigger", {"manifest_names": ["nope"]}, 404, 'resource "nope" does not exist\n'),
        ("/api/trigger", {"manifest_names": ["off"]}, 200, 'resource "off" is currently disabled'),
        ("/api/trigger", {"manifest_names": ["one", "two"]}, 400, "exactly one manifest name, got 2"),
        ("/api/trigger", {"manifest_names": "one"}, 400, "no list of names"),
        ("/api/trigger", b"{", 400, "error parsing JSON payload"),
        ("/api/trigger", [], 400, "want an object"),
        (
            "/api/override/trigger_mode",
            {"manifest_names": ["x"], "trigger_mode": 1},
            400,
            "no manifest found with name 'x'",
        ),
        ("/api/override/trigger_mode", {"manifest_names": ["one"], "trigger_mode": 9}, 400, "invalid trigger mode: 9"),
        ("/api/override/trigger_mode", {"other": 1}, 400, 'unknown field "other"'),
        ("/api/set_tiltfile_args", {"a": 1}, 400, "want a list of strings"),
        ("/proxy/apis/tilt.dev/v1alpha1/sessions", {}, 403, "Forbidden"),
        ("/proxy/api/v1/uibuttons", {}, 403, "Forbidden"),
    ],
)
async def test_what_cannot_be_done_is_said_as_tilt_says_it(
    caller: Caller, path: str, body: object, status: int, said: str
) -> None:
    answer = await ask(caller, "POST", path, body)
    assert answer.status == status
    assert said in answer.body.decode()


@pytest.mark.parametrize("path", WRITES)
async def test_writes_are_posts(caller: Caller, path: str) -> None:
    answer = await ask(caller, "GET", path)
    assert (answer.status, answer.body) == (400, b"must be POST request\n")


async def test_the_trigger_mode_and_the_arguments_are_written_to_their_objects(caller: Caller, client: Client) -> None:
    body = {"manifest_names": ["one"], "trigger_mode": 2}
    assert (await ask(caller, "POST", "/api/override/trigger_mode", body)).status == 200
    spec = (await client.get(Resource, "one")).spec
    assert (spec.trigger_mode, spec.auto_init) == ("manual", False)
    assert (await ask(caller, "POST", "/api/set_tiltfile_args", ["--env", "x"])).status == 200
    assert (await client.get(Tiltfile, "(Tiltfile)")).spec.args == ("--env", "x")


async def test_buttons_are_pressed_through_the_proxy(caller: Caller, client: Client) -> None:
    where = "/proxy/apis/tilt.dev/v1alpha1/uibuttons"
    assert (await ask(caller, "POST", where, BUTTON)).status == 201
    pressed = (await ask(caller, "GET", f"{where}/press")).json()
    pressed["status"] = {"lastClickedAt": "2026-01-02T03:04:10.000000Z"}
    assert (await ask(caller, "PUT", f"{where}/press/status", pressed)).status == 200
    assert (await client.get(UIButton, "press")).status.last_clicked_at is not None
    assert (await caller.ask("PUT", f"{where}/press/status", pressed, token="reader-token")).status == 403


async def test_the_folder_of_the_tests_is_not_the_users(home: Path) -> None:
    import os  # noqa: PLC0415  reason: for this line

    assert folder(os.environ) == home
