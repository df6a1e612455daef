"""``/api/tokens``: makes, lists and revokes tokens, for admins; stands before the app and passes on all else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import orjson

from upright.apiserver.app.bodies import read_object
from upright.apiserver.app.exchange import JSON, Disconnected, Exchange
from upright.apiserver.auth import Level, require
from upright.openapi.errors import APIError, BadRequest, MethodNotAllowed
from upright.openapi.meta import parse_duration

if TYPE_CHECKING:
    from datetime import timedelta

    from upright.apiserver.app.exchange import App, Receive, Scope, Send
    from upright.apiserver.auth import Guard
    from upright.apiserver.tokens import TokenBook

_PATH = "/api/tokens"


class TokenPages:
    """An ASGI app before another one."""

    def __init__(self, app: App, book: TokenBook, guard: Guard) -> None:
        self._app = app
        self._book = book
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if not (path.startswith(_PATH) and scope["type"] == "http" and path[len(_PATH) :][:1] in {"", "/"}):
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        try:
            self._guard.refuse_strangers(exchange.headers, scope["scheme"])
            require(self._guard.level(exchange.headers, ""), Level.ADMIN)
            await self._serve(exchange, unquote(path[len(_PATH) + 1 :]))
        except APIError as error:
            await exchange.answer(orjson.dumps(error.to_status()), error.code, JSON)
        except Disconnected:
            return

    async def _serve(self, exchange: Exchange, name: str) -> None:
        match exchange.method, bool(name):
            case "GET", False:
                await exchange.answer(orjson.dumps({"items": self._book.listed()}))
            case "POST", False:
                body = read_object(await exchange.body(), exchange.header(b"content-type"))
                called, scope = str(body.get("name") or ""), str(body.get("scope") or "reader")
                secret = await self._book.create(called, scope, _lasts(body.get("expiresAfter")))
                told = {"name": called, "scope": scope, "token": secret}
                await exchange.answer(orjson.dumps(told), 201)
            case "DELETE", True:
                await self._book.revoke(name)
                await exchange.answer(orjson.dumps({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
            case _:
                raise MethodNotAllowed(
                    f"{exchange.method} is not allowed here: GET and POST {_PATH}, DELETE {_PATH}/NAME"
                )


def _lasts(text: object) -> timedelta | None:
    if text is None:
        return None
    try:
        found = parse_duration(str(text))
    except ValueError as error:
        raise BadRequest(f"expiresAfter: {error}") from error
    return found  # type: ignore[return-value]  # reason: from text it makes a timedelta
