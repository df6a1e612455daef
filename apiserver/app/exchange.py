"""One HTTP exchange: what was asked, and the answer going back. ASGI in, ASGI out, no framework."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from upright.apiserver.limits import DEFAULT_LIMITS
from upright.openapi.errors import BadRequest, RequestEntityTooLarge

ASGIMessage = MutableMapping[str, Any]  # Any: ASGI's events are dictionaries of mixed values
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]
Scope = MutableMapping[str, Any]  # Any: as ASGIMessage
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = b"application/json"
BODY_LIMIT_BYTES = DEFAULT_LIMITS.body_bytes
GZIP_FROM_BYTES = 128 * 1024
JOINED_BYTES = 64 * 1024
"""Up to this size a copy costs less than a second write."""

_NEAR = frozenset({"127.0.0.1", "::1"})
_TRUE = frozenset({"", "1", "true", "yes"})


class Disconnected(Exception):
    """The client has gone before its request was complete."""


class Exchange:
    """A request, read as far as it is asked for, and the way to answer it."""

    __slots__ = (
        "_query",
        "_receive",
        "_send",
        "headers",
        "method",
        "path",
        "pieces",
        "scope",
        "started",
        "status",
        "waiting",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.method: str = scope.get("method", "GET")
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.started = False
        self.status = 0
        self.waiting = False
        self.pieces = 0
        self._query: dict[str, tuple[str, ...]] | None = None
        self._receive = receive
        self._send = send

    @property
    def query(self) -> dict[str, tuple[str, ...]]:
        """The query's parameters, each with all its values."""
        if self._query is None:
            found: dict[str, tuple[str, ...]] = {}
            if raw := self.scope.get("query_string", b""):
                for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
                    found[name] = (*found.get(name, ()), value)
            self._query = found
        return self._query

    def one(self, parameter: str, default: str = "") -> str:
        """Return a parameter's first value."""
        values = self.query.get(parameter)
        return values[0] if values else default

    def flag(self, parameter: str) -> bool:
        """Return whether a parameter is switched on, in any of the ways clients write that."""
        values = self.query.get(parameter)
        return values is not None and values[0].lower() in _TRUE

    def number(self, parameter: str) -> int | None:
        """Return a parameter that is a number, 0 or more; raises BadRequest for any other text."""
        values = self.query.get(parameter)
        if not values or not values[0]:
            return None
        if not (values[0].isascii() and values[0].isdigit()) or len(values[0]) > 18:
            raise BadRequest(f'invalid query parameter {parameter}="{values[0][:40]}": want a whole number, 0 or more')
        return int(values[0])

    def header(self, name: bytes) -> str:
        """Return a header by its name in lower case, or nothing."""
        return self.headers.get(name, b"").decode("latin-1")

    async def body(self) -> bytes:
        """Return the whole body. Raises RequestEntityTooLarge as soon as that is known, Disconnected."""
        limit: int = (self.scope.get("extensions") or {}).get("upright.body_limit", BODY_LIMIT_BYTES)
        announced = self.headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > limit:
            raise _too_large(limit)
        read = bytearray()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            read += message.get("body", b"")
            if len(read) > limit:
                raise _too_large(limit)
            if not message.get("more_body", False):
                return bytes(read)

    async def disconnected(self) -> None:
        """Return when the client has gone; what it still sends is dropped."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(
        self, body: bytes, status: int = 200, content_type: bytes = JSON, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        """Send a whole answer; compressed if it is large, the client asked for that, and is on another machine."""
        if len(body) >= GZIP_FROM_BYTES and compresses(self.headers, self.scope):
            body = gzip.compress(body, compresslevel=1)
            headers = (*headers, (b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"))
        self.started = True
        self.status = status
        at_once = (self.scope.get("extensions") or {}).get("upright.answer")
        if at_once is not None and not headers and at_once(_head(status, content_type, len(body)), body):
            return
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", content_type),
                    (b"content-length", str(len(body)).encode()),
                    (b"cache-control", b"no-cache, private"),
                    *headers,
                ],
            }
        )
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, content_type: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """Begin an answer that is sent in pieces."""
        self.started = True
        self.status = 200
        held = [(b"content-type", content_type), (b"cache-control", b"no-cache, private"), *headers]
        await self._send({"type": "http.response.start", "status": 200, "headers": held})

    async def write(self, data: bytes) -> None:
        """Send a piece; ``waiting`` while the client is slow to read."""
        self.waiting = True
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self.waiting = False
        self.pieces += 1

    async def end(self) -> None:
        """End an answer that was sent in pieces."""
        await self._send({"type": "http.response.body", "body": b""})

    def abort(self) -> None:
        """Cut the connection at once, unsent bytes and all, where the server lets us."""
        cut = (self.scope.get("extensions") or {}).get("upright.abort")
        if cut is not None:
            cut()


def _head(status: int, content_type: bytes, length: int) -> bytes:
    return b"%bcontent-length: %d\r\n\r\n" % (_beginning(status, content_type), length)


@lru_cache(maxsize=64)
def _beginning(status: int, content_type: bytes) -> bytes:
    phrase = HTTPStatus(status).phrase.encode()
    begun = b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncache-control: no-cache, private\r\n"
    return begun % (status, phrase, content_type)


def compresses(headers: Mapping[bytes, bytes], scope: Scope) -> bool:
    """Return whether a large answer is to be compressed: the client asked for that, and is on another machine."""
    client = scope.get("client")
    return b"gzip" in headers.get(b"accept-encoding", b"") and not (client and client[0] in _NEAR)


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"the body is larger than the limit of {limit} bytes")
