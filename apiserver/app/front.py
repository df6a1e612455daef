"""The front door: who may come in, and which handler answers; every failure becomes a Status."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import orjson

from upright.apiserver.app.below import Below, Conversation
from upright.apiserver.app.documents import Documents
from upright.apiserver.app.exchange import JSON, Disconnected, Exchange
from upright.apiserver.app.hosted_logs import HostedLogs
from upright.apiserver.app.metrics import CONTENT_TYPE, Metrics
from upright.apiserver.app.objects import Objects
from upright.apiserver.app.open_answers import OpenAnswers
from upright.apiserver.app.pages import PATHS, Pages
from upright.apiserver.app.places import Places
from upright.apiserver.app.quick import Quick
from upright.apiserver.app.run_logs import RunLogs
from upright.apiserver.app.watches import Watches
from upright.apiserver.auth import Level, cookie_name, require
from upright.apiserver.tilt.log_desk import LogDesk
from upright.apiserver.tilt.web import SOCKET, TiltWeb
from upright.openapi.errors import APIError, InternalError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from upright.apiserver.app.exchange import Receive, Scope, Send
    from upright.apiserver.app.places import Place
    from upright.apiserver.auth import Guard
    from upright.apiserver.registry import Registry
    from upright.openapi.subresources import Subresources

_READS = frozenset({"GET", "HEAD"})
_HEALTH = frozenset({"healthz", "livez", "readyz"})
_DOCUMENTS = frozenset({"api", "apis", "openapi", "version"})
_TEXT = b"text/plain; charset=utf-8"
_log = logging.getLogger(__name__)


class Front:
    """The ASGI app; ``version`` is the program's."""

    def __init__(  # noqa: PLR0913  reason: a door knows all that lies behind it
        self,
        registry: Registry,
        guard: Guard,
        subresources: Subresources,
        *,
        now: Callable[[], datetime],
        version: str,
        dashboard: bool = False,
        sessions_apart: bool = False,
        runs: Path | None = None,
    ) -> None:
        self.answers = OpenAnswers()
        self.logs = LogDesk()
        RunLogs(self.logs, HostedLogs(registry, runs), now).register(subresources)
        self._metrics = Metrics(registry, self.answers)
        self._guard = guard
        self._pages = Pages(registry, guard, now) if dashboard else None
        self._places = Places(registry.scheme)
        self.quick = Quick(registry, guard, self._places, now)
        self._documents = Documents(registry.scheme, version)
        self._objects = Objects(registry, Watches(registry, self.answers, now), now, sessions_apart=sessions_apart)
        self._below = Below(registry, subresources, self.answers, sessions_apart=sessions_apart)
        self._tilt = TiltWeb(registry, guard, self.answers, self.logs, objects=self._passed_on, now=now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(Exchange(scope, receive, send), receive, send)

    async def _http(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        begun, place = perf_counter(), self._places.find(_raw_path(exchange.scope))
        await self._answered(exchange, place, receive, send)
        self._metrics.note(exchange, place, perf_counter() - begun)

    async def _answered(self, exchange: Exchange, place: Place | None, receive: Receive, send: Send) -> None:
        try:
            self._guard.refuse_strangers(exchange.headers, exchange.scope["scheme"])
            if place is not None:
                await self._kind(exchange, place)
            else:
                await self._other(exchange, receive, send)
        except APIError as error:
            await _fail(exchange, error)
        except Disconnected:
            return
        except Exception:  # noqa: BLE001  reason: the door must answer, whatever went wrong behind it
            _log.exception("%s %s failed", exchange.method, exchange.path)
            await _fail(exchange, InternalError("something went wrong in the server: its log says what"))

    async def _kind(self, exchange: Exchange, place: Place) -> None:
        scope = exchange.scope
        reads = exchange.method in _READS
        if not (reads and place.short and scope["scheme"] == "http"):
            has = self._guard.level(exchange.headers, _cookie(scope))
            require(has, Level.READER if reads and not self._below.is_talk(place) else Level.ADMIN)
        if not place.subresource or (place.subresource == "status" and place.kind.definition.status):
            await self._objects.serve(exchange, place)
        else:
            await self._below.serve(exchange, place)

    async def _other(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        path = exchange.path.strip("/")
        first = path.partition("/")[0]
        if self._tilt.has(path):
            await self._tilt.serve(exchange, path)
        elif first in _HEALTH:
            await exchange.answer(b"ok", 200, _TEXT)
        elif path == "metrics" and exchange.method in _READS:
            require(self._guard.level(exchange.headers, _cookie(exchange.scope)), Level.READER)
            await exchange.answer(self._metrics.text(), 200, CONTENT_TYPE)
        elif first in _DOCUMENTS and exchange.method in _READS:
            if first != "version":
                require(self._guard.level(exchange.headers, _cookie(exchange.scope)), Level.READER)
            await self._documents.serve(exchange, path)
        elif self._pages is not None and first in PATHS:
            if exchange.scope["scheme"] != "http":
                require(self._guard.level(exchange.headers, _cookie(exchange.scope)), Level.READER)
            exchange.started = True
            await self._pages(exchange.scope, receive, send)
        else:
            raise NotFound("the server could not find the requested resource")

    async def _passed_on(self, exchange: Exchange, path: str) -> None:
        """Answer for another path than that of the request."""
        place = self._places.find(path)
        if place is None or place.subresource not in {"", "status"}:
            raise NotFound("the server could not find the requested resource")
        await self._objects.serve(exchange, place)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers: dict[bytes, bytes] = dict(scope["headers"])
            self._guard.refuse_strangers(headers, {"ws": "http", "wss": "https"}.get(scope["scheme"], ""))
            if scope["scheme"] == "ws" and scope["path"].strip("/") == SOCKET:
                await self._tilt.socket(scope, receive, send)
                return
            require(self._guard.level(headers, _cookie(scope)), Level.ADMIN)
            place = self._places.find(_raw_path(scope))
            if place is None:
                raise NotFound("the server could not find the requested resource")
            query: dict[str, tuple[str, ...]] = {}
            for name, value in parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True):
                query[name] = (*query.get(name, ()), value)
            about = Conversation(query, tuple(scope.get("subprotocols") or ()))
            await self._below.converse(receive, send, place, about)
        except APIError as error:
            await _refuse(send, scope, error)


async def _fail(exchange: Exchange, error: APIError) -> None:
    """Send the Status; where an answer has begun already there is nothing left but to cut it."""
    if exchange.started:
        exchange.abort()
        return
    headers = ((b"connection", b"close"),) if error.code == 413 else ()
    if error.code == 401:
        headers = ((b"www-authenticate", b'Bearer realm="upright"'),)
    await exchange.answer(orjson.dumps(error.to_status()), error.code, JSON, headers)


async def _refuse(send: Send, scope: Scope, error: APIError) -> None:
    """Refuse a WebSocket with the Status, where the server can do that."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    body = orjson.dumps(error.to_status())
    held = [(b"content-type", JSON), (b"content-length", str(len(body)).encode())]
    await send({"type": "websocket.http.response.start", "status": error.code, "headers": held})
    await send({"type": "websocket.http.response.body", "body": body})


def _raw_path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else str(scope["path"])


def _cookie(scope: Scope) -> str:
    return cookie_name((scope.get("server") or ("", 0))[1] or 0)
