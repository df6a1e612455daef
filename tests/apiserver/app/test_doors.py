from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.apiserver.app.conftest import Caller

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"


@pytest.mark.parametrize(
    "path", ["/apis/session", "/apis/cluster", "/apis/resource", "/version", "/healthz", "/livez", "/readyz"]
)
async def test_the_short_paths_and_health_are_free_on_loopback(caller: Caller, path: str) -> None:
    assert (await caller.ask("GET", path, token="")).status == 200


@pytest.mark.parametrize("path", [SESSIONS, f"{SESSIONS}/one", "/api", "/apis", "/openapi/v3", "/apis/tilt.dev"])
async def test_all_else_needs_a_reader(caller: Caller, path: str) -> None:
    refused = await caller.ask("GET", path, token="")
    assert (refused.status, refused.json()["reason"]) == (401, "Unauthorized")
    assert refused.header("www-authenticate").startswith("Bearer")
    assert (await caller.ask("GET", path, token="reader-token")).status in {200, 404}


@pytest.mark.parametrize(
    ("method", "path"), [("POST", SESSIONS), ("DELETE", "/apis/session/x"), ("PATCH", "/apis/session/x")]
)
async def test_every_write_needs_the_admin(caller: Caller, method: str, path: str) -> None:
    assert (await caller.ask(method, path, {}, token="")).status == 401
    assert (await caller.ask(method, path, {}, token="reader-token")).status == 403


async def test_a_short_path_is_not_free_over_https(caller: Caller) -> None:
    call = caller.call("GET", "/apis/session", token="", scheme="https")
    await call.run()
    assert (await call.answer()).status == 401


async def test_a_wrong_token_is_told_so(caller: Caller) -> None:
    answer = await caller.ask("GET", SESSIONS, token="guess")
    assert (answer.status, answer.json()["reason"]) == (401, "Unauthorized")
    assert (await caller.ask("GET", SESSIONS, token="", authorization="Basic YTpi")).status == 401


async def test_the_pages_cookie_reads_and_writes_nothing(caller: Caller) -> None:
    for value in ("reader-token", "admin-token"):
        cookie = f"other=1; upright-reader-10350={value}"
        assert (await caller.ask("GET", SESSIONS, token="", cookie=cookie)).status == 200
        assert (await caller.ask("POST", SESSIONS, {}, token="", cookie=cookie)).status == 403
    stranger = "upright-reader-10351=reader-token"
    assert (await caller.ask("GET", SESSIONS, token="", cookie=stranger)).status == 401


@pytest.mark.parametrize("host", ["localhost", "localhost:10350", "127.0.0.1:1", "[::1]:10350", "LocalHost"])
async def test_the_loopback_names_are_ours(caller: Caller, host: str) -> None:
    assert (await caller.ask("GET", "/apis/session", token="", host=host)).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:10350", "localhost.evil.example", "", "[", "127.0.0.1.evil"]
)
async def test_a_foreign_host_is_refused_even_with_a_token(caller: Caller, host: str) -> None:
    answer = await caller.ask("GET", "/apis/session", host=host)
    assert (answer.status, answer.json()["reason"]) == (403, "Forbidden")
    assert "use localhost or 127.0.0.1 (upright apiserver --name NAME " in answer.json()["message"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost:10350", "http://localhost:3000"])
async def test_a_foreign_origin_is_refused(caller: Caller, origin: str) -> None:
    assert (await caller.ask("GET", "/apis/session", origin=origin)).status == 403


async def test_our_own_page_may_ask(caller: Caller) -> None:
    assert (await caller.ask("GET", "/apis/session", origin="http://localhost:10350")).status == 200


async def test_no_answer_invites_other_pages_to_read_it(caller: Caller) -> None:
    answer = await caller.ask("GET", "/apis/session", origin="http://localhost:10350")
    assert not [key for key, _ in answer.headers if key.startswith(b"access-control")]
