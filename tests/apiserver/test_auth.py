from __future__ import annotations

import pytest

from upright.apiserver.auth import Guard, Level, Tokens, host_name, require
from upright.openapi.errors import Forbidden, Unauthorized

TOKENS = Tokens("reader-token", "admin-token")


@pytest.mark.parametrize(
    ("token", "level"),
    [("admin-token", Level.ADMIN), ("reader-token", Level.READER), ("", Level.NOBODY), ("é", Level.NOBODY)],
)
def test_a_token_is_good_for_its_level(token: str, level: Level) -> None:
    assert TOKENS.level(token) is level


def test_tokens_are_made_anew_and_never_printed() -> None:
    one, two = Tokens.generate(), Tokens.generate()
    assert len({one.reader, one.admin, two.reader, two.admin}) == 4
    assert one.admin not in repr(one)


def test_what_is_missing_is_told_apart_from_what_is_not_allowed() -> None:
    require(Level.ADMIN, Level.READER)
    with pytest.raises(Unauthorized):
        require(Level.NOBODY, Level.READER)
    with pytest.raises(Forbidden):
        require(Level.READER, Level.ADMIN)


@pytest.mark.parametrize(
    ("host", "name"),
    [("localhost:1", "localhost"), ("[::1]:1", "::1"), ("::1", ""), ("[", ""), ("", ""), ("a:b", "a"), ("A.B", "a.b")],
)
def test_a_host_is_read_without_its_port(host: str, name: str) -> None:
    assert host_name(host) == name


def test_a_name_the_server_was_given_is_its_own() -> None:
    guard = Guard(TOKENS, hosts=["Build.Example"])
    guard.refuse_strangers({b"host": b"build.example:443"}, "https")
    with pytest.raises(Forbidden):
        Guard(TOKENS).refuse_strangers({b"host": b"build.example:443"}, "https")


def test_the_cookie_is_strict_and_out_of_scripts_reach() -> None:
    cookie = Guard(TOKENS).cookie("upright-reader-1").decode()
    assert cookie == "upright-reader-1=reader-token; Path=/; HttpOnly; SameSite=Strict"
