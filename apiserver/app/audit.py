"""The audit log: a line of JSON for every request that writes, refused ones too: who, what, from where, and the answer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import orjson

from upright.openapi.meta import format_micro_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from upright.apiserver.app.exchange import App, ASGIMessage, Receive, Scope, Send

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST = 500
_NEVER_ANSWERED = 499


class Audit:
    """An ASGI app before another one. ``who`` names the owner of an Authorization header.

    The line is written before the client has its answer: what is not noted is not done, as far as anybody was told.
    """

    def __init__(self, app: App, path: Path, who: Callable[[bytes], str], now: Callable[[], datetime]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._app = app
        self._who = who
        self._now = now
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in _READS:
            await self._app(scope, receive, send)
            return
        scope["extensions"] = {
            key: of for key, of in (scope.get("extensions") or {}).items() if key != "upright.answer"
        }
        noted = False

        def note(status: int) -> None:
            nonlocal noted
            if not noted:
                noted = True
                os.write(self._file, self._line(scope, status))

        async def noting(message: ASGIMessage) -> None:
            if message["type"] == "websocket.accept":
                note(101)
            elif message["type"] in {"http.response.start", "websocket.http.response.start"}:
                note(int(message["status"]))
            elif message["type"] == "websocket.close":
                note(403)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            note(_NEVER_ANSWERED)

    def _line(self, scope: Scope, status: int) -> bytes:
        headers = dict(scope["headers"])
        client = scope.get("client") or ("", 0)
        query = scope.get("query_string", b"").decode("latin-1")
        about = {
            "time": format_micro_time(self._now()),
            "who": self._who(headers.get(b"authorization", b"")),
            "from": f"{client[0]}:{client[1]}",
            "agent": headers.get(b"user-agent", b"").decode("latin-1")[:_LONGEST],
            "method": scope.get("method", "CONNECT"),
            "path": f"{scope['path']}{'?' if query else ''}{query}"[:_LONGEST],
            "status": status,
        }
        return orjson.dumps(about, option=orjson.OPT_APPEND_NEWLINE)

    def close(self) -> None:
        os.close(self._file)
