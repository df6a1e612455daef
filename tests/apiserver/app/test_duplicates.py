from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from upright.apiserver.app.duplicates import duplicates

if TYPE_CHECKING:
    from tests.apiserver.app.conftest import Caller

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"
TWICE = b'{"metadata":{"name":"one"},"spec":{"tiltfilePath":"/p/Tiltfile","tiltfilePath":"/q/Tiltfile"}}'


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"a":1}', ()),
        (b'{"a": 1, "b": {"a": 1}}', ()),
        (b'{"a":1,"a":1}', ("a",)),
        (b'{"a":1,"a":1,"a":2}', ("a",)),
        (b'{"a":{"b":1,"c":[{"d":1,"d":2}],"b":2}}', ("a.b", "a.c[0].d")),
    ],
)
def test_what_stands_twice_is_found_by_its_path(raw: bytes, found: tuple[str, ...]) -> None:
    assert duplicates(raw, orjson.loads(raw)) == found


async def test_a_field_that_stands_twice_is_refused_strictly_warned_of_or_ignored(caller: Caller) -> None:
    refused = await caller.ask("POST", f"{SESSIONS}?fieldValidation=Strict", TWICE)
    assert refused.status == 400
    assert 'strict decoding error: duplicate field "spec.tiltfilePath"' in refused.json()["message"]
    warned = await caller.ask("POST", f"{SESSIONS}?dryRun=All", TWICE)
    assert warned.status == 201
    assert 'duplicate field \\"spec.tiltfilePath\\"' in warned.header("warning")
    ignored = await caller.ask("POST", f"{SESSIONS}?fieldValidation=Ignore", TWICE)
    assert (ignored.status, ignored.header("warning")) == (201, "")
    assert ignored.json()["spec"]["tiltfilePath"] == "/q/Tiltfile"
