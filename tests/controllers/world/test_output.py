from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upright.controllers.world.output import Lines


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"one\ntwo\n"], ["one\ntwo\n"]),
        ([b"o", b"ne\ntw", b"o"], ["one\n", "two\n"]),
        ([], []),
        ([b"\n"], ["\n"]),
        ([b"\xff\n"], ["\ufffd\n"]),
        ([b"\xe2\x94", b"\x82\n"], ["│\n"]),
        ([b"12345678901\n"], ["12345678901\n"]),
        ([b"123456789", b"01"], ["12345678\n", "901\n"]),
        (["1234567│".encode()], ["1234567\n", "│\n"]),
    ],
)
def test_bytes_become_whole_lines(pieces: list[bytes], lines: list[str]) -> None:
    got: list[str] = []
    cut = Lines(got.append, longest=8)
    for piece in pieces:
        cut(piece)
    cut.close()
    assert got == lines


@given(st.lists(st.text()), st.integers(5, 50))
def test_nothing_is_lost_however_it_comes(texts: list[str], longest: int) -> None:
    got: list[str] = []
    cut = Lines(got.append, longest=longest)
    for text in texts:
        cut(text.encode("utf-8", "surrogatepass") if text.isprintable() else text.encode("utf-8", "replace"))
    cut.close()
    assert "".join(got).replace("\n", "") == "".join(
        text.encode("utf-8", "replace").decode() for text in texts
    ).replace("\n", "")
