from __future__ import annotations

from upright.client.heard_warnings import hear, hear_headers, hearing


def test_warnings_are_heard_by_who_asks_each_once() -> None:
    hear(["nobody hears this"])
    with hearing() as heard:
        hear(["one", "two"])
        hear(["one"])
    hear(["too late"])
    assert heard == ["one", "two"]


def test_warning_headers_are_unquoted() -> None:
    with hearing() as heard:
        hear_headers(['299 - "unknown field \\"spec.a\\"", 299 - "b\\\\c"', "110 x stale", '299 - "d"'])
    assert heard == ['unknown field "spec.a"', "b\\c", "d"]
