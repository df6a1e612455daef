from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.app.conftest import NOW, TOKENS, Caller
from upright.apiserver.app.front import Front
from upright.apiserver.auth import Guard
from upright.apiserver.dashboard.page import ASSETS, asset
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.apiserver.registry import Registry

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"


@pytest.fixture
def caller(registry: Registry) -> Caller:
    subresources = Subresources()
    front = Front(registry, Guard(TOKENS), subresources, now=lambda: NOW, version="1", dashboard=True)
    return Caller(front, subresources)


async def test_the_page_shows_what_is_there_without_a_script(caller: Caller, session: Callable[..., Any]) -> None:
    await caller.ask("POST", SESSIONS, session())
    answer = await caller.ask("GET", "/", token="")
    text = answer.body.decode()
    assert answer.status == 200
    assert '<td data-value="one">one</td>' in text
    assert re.search(r'data-path="/apis/resource" data-revision="\d+"', text)


async def test_the_page_makes_its_browser_a_reader_and_trusts_no_other_origin(caller: Caller) -> None:
    answer = await caller.ask("GET", "/", token="")
    assert answer.header("set-cookie") == "upright-reader-10350=reader-token; Path=/; HttpOnly; SameSite=Strict"
    assert "default-src 'none'; script-src 'self'" in answer.header("content-security-policy")
    assert answer.header("x-frame-options") == "DENY"
    cookie = answer.header("set-cookie").partition(";")[0]
    assert (await caller.ask("GET", SESSIONS, token="", cookie=cookie)).status == 200


async def test_what_an_object_says_is_text_and_never_markup(caller: Caller, session: Callable[..., Any]) -> None:
    body = session()
    body["spec"]["exitCondition"] = "ci"
    await caller.ask("POST", SESSIONS, body)
    evil = '<img src=x onerror="alert(1)">'
    patch = {"status": {"error": evil}}
    kind = "application/merge-patch+json"
    assert (await caller.ask("PATCH", f"{SESSIONS}/one/status", patch, content_type=kind)).status == 200
    text = (await caller.ask("GET", "/", token="")).body.decode()
    assert "<img" not in text
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;" in text


@pytest.mark.parametrize("name", ASSETS)
async def test_the_pages_files_are_served_and_need_nothing_from_elsewhere(caller: Caller, name: str) -> None:
    answer = await caller.ask("GET", f"/dashboard/{name}", token="")
    assert (answer.status, answer.body) == (200, asset(name))
    assert answer.header("content-type") == ASSETS[name]
    assert b"http://" not in answer.body
    assert b"https://" not in answer.body
    assert b"innerHTML" not in answer.body


@pytest.mark.parametrize("path", ["/dashboard/nix", "/dashboard/..%2fpage.py", "/dashboard/page.py", "/nix", "/docs"])
async def test_no_other_file_is_served(caller: Caller, path: str) -> None:
    assert (await caller.ask("GET", path, token="")).status == 404


async def test_the_page_is_not_free_over_https(caller: Caller) -> None:
    call = caller.call("GET", "/", token="", scheme="https")
    await call.run()
    assert (await call.answer()).status == 401


async def test_a_foreign_host_gets_no_page(caller: Caller) -> None:
    assert (await caller.ask("GET", "/", token="", host="evil.example")).status == 403
