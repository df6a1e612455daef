"""uvicorn's HTTP protocol with limits, an answer at once to the simplest requests, and a way to cut who stalls."""

from __future__ import annotations

import asyncio
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import orjson

from upright.apiserver.app.exchange import JOINED_BYTES
from upright.apiserver.limits import DEFAULT_LIMITS
from upright.apiserver.uvicorn_parts import HttpToolsProtocol
from upright.openapi.errors import BadRequest, HeadersTooLarge, RequestEntityTooLarge, RequestTimeout, URITooLong

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from upright.apiserver.app.exchange import Scope
    from upright.apiserver.limits import Limits
    from upright.openapi.errors import APIError

    Quick = Callable[[Scope, str], tuple[bytes, ...] | None]

_WEBSOCKET_VERSION = b"13"
_LINGER_SECONDS = 2.0


class _Answered:
    """Stands for uvicorn's cycle of a request that was answered at once."""

    response_complete = True
    response_started = True
    keep_alive = True
    more_body = False
    scope = None

    def __init__(self) -> None:
        self.message_event = asyncio.Event()


class _Refused(_Answered):
    """Stands for the cycle of a request that was refused before anybody saw it."""

    keep_alive = False


def _answer(cycle: RequestResponseCycle, head: bytes, body: bytes) -> bool:
    """Send a whole answer, and say so; False, with nothing sent, where only the long way is right."""
    if cycle.response_started or cycle.disconnected or cycle.flow.write_paused or not cycle.keep_alive:
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    for piece in (head + body,) if len(body) <= JOINED_BYTES else (head, body):
        cycle.transport.write(piece)
    cycle.message_event.set()
    cycle.on_response()
    return True


class Protocol(HttpToolsProtocol):
    """One connection.

    ``quick`` may answer a plain GET as soon as its headers are read: no task, no waiting, half the time. A request whose
    head is too large is refused before the app hears of it.
    """

    def __init__(
        self,
        *given: Any,  # noqa: ANN401  reason: uvicorn's
        quick: Quick | None = None,
        limits: Limits = DEFAULT_LIMITS,
        **more: Any,  # noqa: ANN401  reason: uvicorn's
    ) -> None:
        super().__init__(*given, **more)
        self._quick = quick
        self._limits = limits
        self._answered = cast("RequestResponseCycle", _Answered())  # reason: all that uvicorn looks at
        self._in_head = True
        self._head_bytes = 0
        self._body_bytes = 0
        self._refused = False
        self._patience: asyncio.TimerHandle | None = None
        self._extensions: dict[str, Any] = {}  # Any: ASGI leaves them open

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # reason: as uvicorn has it
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused or self.transport.is_closing():
            return  # what still comes is dropped, so that the client gets to read why
        super().data_received(data)
        cycle = cast("RequestResponseCycle | None", self.cycle)  # reason: uvicorn has none before the first request
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes + self._limits.url_bytes:
                self._refuse(HeadersTooLarge(f"the headers are larger than {self._limits.head_bytes} bytes"))
        elif cycle is None or not cycle.more_body or cycle.response_complete:
            self._wait_no_more()
            return
        if self._patience is None and not (self._refused or self.transport.is_closing()):
            self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._extensions = {"upright.abort": self._abort, "upright.body_limit": self._limits.body_bytes}
        self.scope["extensions"] = self._extensions
        self._in_head = True
        self._head_bytes = self._body_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        cycle = self.cycle
        if self._body_bytes <= self._limits.body_bytes or cycle.response_started or cycle.response_complete:
            super().on_body(body)
            return
        cycle.disconnected = True
        cycle.message_event.set()
        self._refuse(self._body_too_large())

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._refused or self.transport.is_closing():
            return
        if trouble := self._trouble():
            self._refuse(trouble)
        elif not self._quickly_answered():
            super().on_headers_complete()
            self._let_answer_at_once()

    def _let_answer_at_once(self) -> None:
        """Let the app hand in a whole answer: it is sent in one piece, without ASGI's two messages and their checks."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # reason: uvicorn has none where it upgrades
        if cycle is not None and cycle.scope is self.scope and cycle.keep_alive and self.scope["method"] != "HEAD":
            self._extensions["upright.answer"] = partial(_answer, cycle)

    def _quickly_answered(self) -> bool:
        parser: Any = self.parser  # Any: httptools has no types that all checkers read
        cycle = cast("RequestResponseCycle | None", self.cycle)  # reason: uvicorn has none before the first request
        if self._quick is None or parser.get_method() != b"GET" or b"?" in self.url or self.flow.write_paused:
            return False
        busy = cycle is not None and not cycle.response_complete
        plain = parser.get_http_version() == "1.1" and parser.should_keep_alive() and not parser.should_upgrade()
        if busy or not plain or self.expect_100_continue or self.transport.is_closing():
            return False
        answer = self._quick(cast("Scope", self.scope), self.url.decode("latin-1"))
        if answer is None:
            return False
        self.cycle = self._answered
        for piece in answer:
            self.transport.write(piece)
        self.on_response_complete()
        return True

    def _abort(self) -> None:
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        self._refuse(BadRequest(f"this is not HTTP as it is spoken here: {msg}"))

    def handle_websocket_upgrade(self) -> None:
        headers = dict(self.scope["headers"])
        if not headers.get(b"sec-websocket-key") or headers.get(b"sec-websocket-version") != _WEBSOCKET_VERSION:
            self._refuse(BadRequest("a WebSocket begins with Sec-WebSocket-Key and Sec-WebSocket-Version: 13"))
            return
        self._wait_no_more()
        super().handle_websocket_upgrade()

    def _trouble(self) -> APIError | None:
        limits = self._limits
        if len(self.url) > limits.url_bytes:
            return URITooLong(f"the URL is longer than {limits.url_bytes} bytes")
        if sum(len(name) + len(value) for name, value in self.headers) > limits.head_bytes:
            return HeadersTooLarge(f"the headers are larger than {limits.head_bytes} bytes")
        announced = next((value for name, value in self.headers if name == b"content-length"), b"")
        if announced.isdigit() and int(announced) > limits.body_bytes:
            return self._body_too_large()
        return None

    def _body_too_large(self) -> APIError:
        return RequestEntityTooLarge(f"the body is larger than the limit of {self._limits.body_bytes} bytes")

    def _refuse(self, error: APIError) -> None:
        """Answer with the Status, and have nothing more to do with the connection.

        It is closed a moment later: closed at once, with something unread, it would take the answer with it.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._wait_no_more()
        self.cycle = cast("RequestResponseCycle", _Refused())  # reason: all that uvicorn looks at
        body = orjson.dumps(error.to_status())
        head = (
            f"HTTP/1.1 {error.code} {HTTPStatus(error.code).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.flow.resume_reading()
        self._patience = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self._limits.patience_seconds, self._too_slow)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        """Refuse a request whose head does not come; cut one whose body does not, for the app has it already."""
        self._patience = None
        if self._in_head:
            self._refuse(RequestTimeout(f"no whole request came within {self._limits.patience_seconds:g} seconds"))
        elif not self.transport.is_closing():
            self.transport.abort()
