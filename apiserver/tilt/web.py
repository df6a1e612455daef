"""Tilt's web endpoints, for its clients on plain HTTP and for ours over HTTPS too, so that its ``logs``, ``trigger``, ``dump`` and editors' extensions work unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import anyio
import orjson

from upright.apiserver.app.exchange import JSON
from upright.apiserver.auth import Level
from upright.apiserver.tilt.actions import Actions
from upright.apiserver.tilt.view import Views, listed
from upright.apiserver.tilt.view_feed import ViewFeed
from upright.apiserver.tilt.visitors import Refused, Visitors
from upright.client.log_list import log_list
from upright.openapi.errors import APIError, Forbidden
from upright.openapi.meta import format_micro_time
from upright.openapi.v1alpha1.ui_resource import UIResource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from upright.apiserver.app.exchange import Exchange, Receive, Scope, Send
    from upright.apiserver.app.open_answers import OpenAnswers
    from upright.apiserver.auth import Guard
    from upright.apiserver.registry import Registry
    from upright.apiserver.tilt.log_desk import LogDesk
    from upright.openapi.meta import Json

SOCKET = "ws/view"
_SNAPSHOT = "api/snapshot/"
_PROXY = "proxy/"
_BUTTONS = "apis/tilt.dev/"
_TEXT = b"text/plain; charset=utf-8"
_GOING_AWAY = 1001
_READS = frozenset({"GET", "HEAD"})


class TiltWeb:
    """The endpoints of one server; ``objects`` answers for a path of the API, as the proxy of the buttons needs it."""

    def __init__(
        self,
        registry: Registry,
        guard: Guard,
        answers: OpenAnswers,
        desk: LogDesk,
        *,
        objects: Callable[[Exchange, str], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._registry = registry
        self._visitors = Visitors(guard)
        self._answers = answers
        self._views = Views(registry, desk, now())
        self._objects = objects
        self._now = now
        actions = Actions(registry, now)
        self._reads: Mapping[str, tuple[Level, Callable[[], Awaitable[bytes]]]] = {
            "api/view": (Level.READER, self._view),
            "api/websocket_token": (Level.READER, self._socket_token),
            "api/dump/engine": (Level.ADMIN, self._engine),
        }
        self._writes: Mapping[str, Callable[[bytes], Awaitable[str]]] = {
            "api/trigger": actions.trigger,
            "api/override/trigger_mode": actions.override_trigger_mode,
            "api/set_tiltfile_args": actions.set_tiltfile_args,
            "api/analytics": actions.ignore,
            "api/analytics_opt": actions.ignore,
        }

    def has(self, path: str) -> bool:
        """Say whether a path, without its slashes at the ends, is one of these endpoints; the embedded cluster has none."""
        if UIResource not in self._registry.scheme:
            return False
        return path in self._reads or path in self._writes or path.startswith((_SNAPSHOT, _PROXY))

    async def serve(self, exchange: Exchange, path: str) -> None:
        """Answer; refusals are lines of text, as Tilt's are."""
        try:
            if path.startswith(_PROXY):
                await self._proxied(exchange, path.removeprefix(_PROXY))
            elif path in self._writes:
                await self._write(exchange, path)
            else:
                await self._read(exchange, path)
        except Refused as refused:
            await exchange.answer(f"{refused}\n".encode(), refused.code, _TEXT)
        except APIError as error:
            await exchange.answer(f"{error}\n".encode(), error.code, _TEXT)

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream the view over a WebSocket. Raises Forbidden before it is accepted."""
        csrf = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("csrf", [""])[0]
        if not self._visitors.holds_csrf(csrf):
            try:
                self._visitors.require(dict(scope["headers"]), scope, Level.READER)
            except Refused as refused:
                raise Forbidden(str(refused)) from refused
        await receive()
        await send({"type": "websocket.accept"})

        async def tell(view: Json) -> None:
            await send({"type": "websocket.send", "text": orjson.dumps(view).decode()})

        left = anyio.Event()

        async def gone() -> None:
            while (await receive())["type"] != "websocket.disconnect":
                pass
            left.set()

        await self._answers.until(gone, ViewFeed(self._views, tell, self._now).run)
        if not left.is_set():
            with anyio.CancelScope(shield=True):
                await send({"type": "websocket.close", "code": _GOING_AWAY})

    async def _read(self, exchange: Exchange, path: str) -> None:
        needs, make = self._reads.get(path, (Level.READER, self._snapshot))
        self._visitors.require(exchange.headers, exchange.scope, needs)
        if exchange.method not in _READS:
            raise Refused(400, "must be GET request")
        body = await make()
        await exchange.answer(body, 200, _TEXT if path == "api/websocket_token" else JSON)

    async def _write(self, exchange: Exchange, path: str) -> None:
        self._visitors.require(exchange.headers, exchange.scope, Level.ADMIN)
        if exchange.method != "POST":
            raise Refused(400, "must be POST request")
        text = await self._writes[path](await exchange.body())
        await exchange.answer(text.encode(), 200, _TEXT)

    async def _proxied(self, exchange: Exchange, path: str) -> None:
        """Pass on what concerns buttons, for pages cannot ask the other listener; nothing else."""
        parts = path.split("/")
        if not path.startswith(_BUTTONS) or len(parts) < 4 or parts[3] != "uibuttons":
            raise Refused(403, "Forbidden")
        needs = Level.READER if exchange.method in _READS else Level.ADMIN
        self._visitors.require(exchange.headers, exchange.scope, needs)
        await self._objects(exchange, f"/{path}")

    async def _view(self) -> bytes:
        return orjson.dumps(await self._views.complete())

    async def _snapshot(self) -> bytes:
        return orjson.dumps({"view": await self._views.complete(), "createdAt": format_micro_time(self._now())})

    async def _socket_token(self) -> bytes:
        return self._visitors.csrf.encode()

    async def _engine(self) -> bytes:
        """Return all that is known: every object by its kind, and the log."""
        kinds = {kind.definition.plural: listed(self._registry, kind) for kind in self._registry.scheme}
        return orjson.dumps({**kinds, "LogStore": log_list(await self._views.history())})
