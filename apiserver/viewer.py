"""Serves one snapshot on loopback, as a page and as it is, until it is interrupted."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

import anyio
import orjson

from upright.apiserver.auth import LOOPBACK
from upright.apiserver.dashboard.frozen import frozen_page
from upright.apiserver.dashboard.page import ASSETS, HEADERS, asset
from upright.apiserver.listener import Listener
from upright.apiserver.sockets import PortTaken, UnsafeBind, listen_on_loopback, port_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from upright.apiserver.app.exchange import Receive, Scope, Send

__all__ = ["PAGE", "PortTaken", "UnsafeBind", "Viewer", "view"]
PAGE = "/snapshot/local"
_HTML, _JSON, _TEXT = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"


class Viewer:
    """The app: the snapshot's page, its JSON where Tilt has it, and the page's style."""

    def __init__(self, raw: bytes) -> None:
        try:
            snapshot = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"it is no snapshot: {error}") from error
        if not isinstance(snapshot, dict):
            raise ValueError("it is no snapshot: there is no object in it")  # noqa: TRY004  reason: what is in a file is a value
        page = frozen_page(snapshot).encode()
        self._pages: Mapping[str, tuple[bytes, str]] = {
            "/": (page, _HTML),
            PAGE: (page, _HTML),
            "/api/snapshot/local": (raw, _JSON),
            **{f"/dashboard/{name}": (asset(name), media) for name, media in ASSETS.items()},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a page elsewhere that has its name led here is not answered."""
        del receive
        host = dict(scope.get("headers") or ()).get(b"host", b"").decode("latin-1")
        if host.rpartition(":")[0].strip("[]").lower() not in LOOPBACK:
            code, (body, media) = 403, (b"forbidden\n", _TEXT)
        elif scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            code, (body, media) = 405, (b"a snapshot can only be read\n", _TEXT)
        else:
            found = self._pages.get(scope["path"].rstrip("/") or "/")
            code, (body, media) = (200, found) if found else (404, (b"not found\n", _TEXT))
        headers = {**HEADERS, "Content-Type": media, "Content-Length": str(len(body))}
        told = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": code, "headers": told})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def view(raw: bytes, host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve it, and say where; return when interrupted. Raises ValueError for what is no snapshot, PortTaken, UnsafeBind."""
    anyio.run(partial(_serve, Viewer(raw), host, port, told))


async def _serve(viewer: Viewer, host: str, port: int, told: Callable[[str], None]) -> None:
    sockets = listen_on_loopback(host, port)
    listener = Listener(viewer, sockets)
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        await listener.start()
        told(f"http://{f'[{host}]' if ':' in host else host}:{port_of(sockets)}{PAGE}")
        async for _ in signals:
            break
    listener.refuse()
    await listener.drain()
