from __future__ import annotations

import zlib

import pytest

from upright.apiserver.app.spdy import DICTIONARY, Frame, Spdy, SpdyError, data_frame, ping, reset


def test_the_dictionary_is_the_one_of_the_protocol() -> None:
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2  # which the protocol's text gives for it


def test_frames_are_read_as_they_were_made_however_they_are_cut() -> None:
    client, server = Spdy(), Spdy()
    asked = {"streamtype": "data", "port": "80"}
    sent = client.opened(1, asked) + client.opened(3, asked) + data_frame(1, b"hello", fin=True) + ping(7) + reset(3)
    seen = [frame for at in range(len(sent)) for frame in server.feed(sent[at : at + 1])]
    assert seen == [
        Frame("open", 1, headers=asked),
        Frame("open", 3, headers=asked),
        Frame("data", 1, b"hello", fin=True),
        Frame("ping", 7),
        Frame("reset", 3),
    ]


def test_frames_that_matter_to_nobody_are_passed_over() -> None:
    settings = b"\x80\x03\x00\x04\x00\x00\x00\x04\x00\x00\x00\x00"
    assert list(Spdy().feed(settings + ping(1))) == [Frame("ping", 1)]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x80\x02\x00\x01\x00\x00\x00\x0c" + bytes(12),
        b"\x80\x03\x00\x01\x00\x00\x00\x02ab",
        b"\x80\x03\x00\x01\x00\x00\x00\x0e" + bytes(10) + b"abcd",
        b"\x00\x00\x00\x01\x00\xff\xff\xff",
    ],
)
def test_what_is_no_spdy_is_refused(sent: bytes) -> None:
    with pytest.raises(SpdyError):
        list(Spdy().feed(sent))


def test_headers_that_grow_without_bound_are_refused() -> None:
    bomb = Spdy().opened(1, {"a": "b" * 10_000_000})
    with pytest.raises(SpdyError):
        list(Spdy().feed(bomb))
