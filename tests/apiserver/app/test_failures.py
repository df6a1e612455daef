from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.apiserver.app.conftest import Caller
    from upright.openapi.subresources import Ask, Sink

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"
LOG = f"{SESSIONS}/one/log"


async def _broken(_ask: Ask, _sink: Sink) -> None:
    raise RuntimeError("secret detail")


async def _broken_later(_ask: Ask, sink: Sink) -> None:
    await sink.write(b"first\n")
    raise RuntimeError("secret detail")


async def test_our_own_fault_is_logged_and_told_without_its_detail(
    caller: Caller, session: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    await caller.ask("POST", SESSIONS, session())
    caller.subresources.writes("tilt.dev/sessions", "log", _broken)
    answer = await caller.ask("GET", LOG)
    assert (answer.status, answer.json()["reason"]) == (500, "InternalError")
    assert b"secret detail" not in answer.body
    assert "secret detail" in caplog.text


async def test_an_answer_that_fails_half_way_is_cut_and_never_looks_whole(
    caller: Caller, session: Callable[..., Any]
) -> None:
    await caller.ask("POST", SESSIONS, session())
    caller.subresources.writes("tilt.dev/sessions", "log", _broken_later)
    call = caller.call("GET", LOG)
    await call.run()
    assert call.aborted


async def test_a_client_that_leaves_in_the_middle_of_its_body_writes_nothing(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    call = caller.call("POST", SESSIONS, b"{")
    call.more = True
    call.hang_up()
    await call.run()
    assert (await caller.ask("GET", SESSIONS)).json()["items"] == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    "path",
    [
        "//",
        "/apis//",
        f"{SESSIONS}//",
        "/sessions/x",
        "/sessions//apis/session",
        f"{SESSIONS}/a/b/c/d",
        "/%00",
        "/apis/%ff/v1/x",
    ],
)
async def test_a_strange_path_is_answered_like_any_other(caller: Caller, path: str) -> None:
    assert (await caller.ask("GET", path)).status in {200, 404}
