"""SPDY/3.1 as bytes: frames read and made, as far as port forwarding needs them. Pure; no streams, no sockets.

kubectl has no newer protocol for port forwards: it sends SPDY through a WebSocket. Flow control is left out, for its
library has none.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FRAME_AT_MOST_BYTES = 1024 * 1024
HEADERS_AT_MOST_BYTES = 64 * 1024
_VERSION = 0x8003
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY = 1, 2, 3, 6, 7
_FIN = 1
_HEAD_BYTES = 8
_STREAM_BITS = 0x7FFFFFFF
_SYN_HEAD_BYTES = 10

_DICTIONARY_NAMES = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200·OK version HTTP/1.1 url public set-cookie "
    "keep-alive origin"
)
_DICTIONARY_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative "
    "Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal "
    "Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, "
    "Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8"
    "charset=iso-8859-1,utf-,*,enq=0."
)


def _dictionary() -> bytes:
    """Return what both sides take for already sent: header names with their lengths, then common values (SPDY/3, 2.6.10)."""
    names = [name.replace("·", " ").encode() for name in _DICTIONARY_NAMES.split()]
    return b"".join(struct.pack(">I", len(name)) + name for name in names) + _DICTIONARY_TEXT.encode()


DICTIONARY = _dictionary()


class SpdyError(Exception):
    """What came is not SPDY/3.1, or more of it than is taken."""


class Frame(Struct, frozen=True):
    """One frame of interest; ``stream`` is a ping's number for a ping."""

    kind: Literal["open", "data", "reset", "ping", "goaway"]
    stream: int = 0
    data: bytes = b""
    fin: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class Spdy:
    """One side of a connection: what was read of a frame so far, and the compression of headers both ways."""

    def __init__(self) -> None:
        self._read = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete with these bytes. Raises SpdyError."""
        self._read += data
        while len(self._read) >= _HEAD_BYTES:
            first, second = struct.unpack_from(">II", self._read)
            size = second & 0xFFFFFF
            if size > FRAME_AT_MOST_BYTES:
                raise SpdyError(f"a frame of {size} bytes is more than {FRAME_AT_MOST_BYTES}")
            if len(self._read) < _HEAD_BYTES + size:
                return
            payload = bytes(self._read[_HEAD_BYTES : _HEAD_BYTES + size])
            del self._read[: _HEAD_BYTES + size]
            fin = bool(second >> 24 & _FIN)
            if not first >> 31:
                yield Frame("data", first, payload, fin)
            elif frame := self._control(first, payload, fin=fin):
                yield frame

    def _control(self, first: int, payload: bytes, *, fin: bool) -> Frame | None:
        if first >> 16 != _VERSION:
            raise SpdyError(f"version {first >> 16 & 0x7FFF} of SPDY is not 3")
        kind = first & 0xFFFF
        if kind not in {_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY}:
            return None
        if len(payload) < (_SYN_HEAD_BYTES if kind == _SYN_STREAM else 4):
            raise SpdyError("a frame is shorter than its kind allows")
        number = int.from_bytes(payload[:4]) & _STREAM_BITS
        match kind:
            case 1:
                return Frame("open", number, fin=fin, headers=self._headers(payload[_SYN_HEAD_BYTES:]))
            case 2:
                return Frame("data", number, fin=fin, headers=self._headers(payload[4:]))
            case 3:
                return Frame("reset", number)
            case 6:
                return Frame("ping", int.from_bytes(payload[:4]))
            case _:
                return Frame("goaway", number)

    def _headers(self, block: bytes) -> Mapping[str, str]:
        try:
            text = self._inflate.decompress(block, HEADERS_AT_MOST_BYTES)
            if self._inflate.unconsumed_tail:
                raise SpdyError(f"headers of more than {HEADERS_AT_MOST_BYTES} bytes")
            (count,) = struct.unpack_from(">I", text)
            words: list[str] = []
            at = 4
            for _ in range(2 * count):
                (length,) = struct.unpack_from(">I", text, at)
                words.append(text[at + 4 : at + 4 + length].decode("latin-1"))
                at += 4 + length
        except (zlib.error, struct.error) as error:
            raise SpdyError(f"headers that cannot be read: {error}") from error
        return dict(zip(words[::2], words[1::2], strict=True))

    def opened(self, stream: int, headers: Mapping[str, str]) -> bytes:
        """Return a frame that opens a stream, as a client does."""
        return _control_frame(_SYN_STREAM, struct.pack(">IIH", stream, 0, 0) + self._block(headers))

    def reply(self, stream: int) -> bytes:
        """Return the frame that accepts a stream."""
        return _control_frame(_SYN_REPLY, struct.pack(">I", stream) + self._block({}))

    def _block(self, headers: Mapping[str, str]) -> bytes:
        text = struct.pack(">I", len(headers))
        for word in (word.encode("latin-1") for pair in headers.items() for word in pair):
            text += struct.pack(">I", len(word)) + word
        return self._deflate.compress(text) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def data_frame(stream: int, data: bytes, *, fin: bool = False) -> bytes:
    """Return a frame of a stream's data; ``fin``: there is no more."""
    return struct.pack(">II", stream, (_FIN << 24 if fin else 0) | len(data)) + data


def reset(stream: int) -> bytes:
    """Return the frame that gives a stream up (CANCEL)."""
    return _control_frame(_RST_STREAM, struct.pack(">II", stream, 5))


def ping(number: int) -> bytes:
    """Return a ping; the answer to one is the same again."""
    return _control_frame(_PING, struct.pack(">I", number))


def _control_frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">HHI", _VERSION, kind, len(payload)) + payload
