"""One listener: uvicorn's HTTP protocol on sockets of ours, without uvicorn's signals, ticks and waiting.

uvicorn's own Server waits for open answers without limit; here they are told first, and what is left after the deadline
is cut.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import anyio

from upright.apiserver.limits import DEFAULT_LIMITS
from upright.apiserver.protocol import Protocol
from upright.apiserver.sockets import BACKLOG
from upright.apiserver.uvicorn_parts import Config, ServerState

if TYPE_CHECKING:
    import socket
    import ssl

    from upright.apiserver.app.exchange import App
    from upright.apiserver.limits import Limits
    from upright.apiserver.protocol import Quick

KEEP_ALIVE_SECONDS = 75
DRAIN_SECONDS = 0.5
_POLL_SECONDS = 0.01
_WEBSOCKET_BYTES = 16 * 1024 * 1024


class Listener:
    """Serves one app on some sockets, with TLS if there is a context for it."""

    def __init__(
        self,
        app: App,
        sockets: list[socket.socket],
        tls: ssl.SSLContext | None = None,
        *,
        quick: Quick | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._quick = quick
        self._limits = limits
        self._sockets = sockets
        self._tls = tls
        self._state = ServerState()
        self._servers: list[asyncio.Server] = []
        self._config = Config(
            cast("Any", app),  # reason: uvicorn spells ASGI's events as typed dictionaries
            loop="none",
            http=Protocol,
            ws=cast("Any", _websocket_protocol),  # reason: called like the class, which takes 40 ms to import
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            ws_max_size=_WEBSOCKET_BYTES,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )

    async def start(self) -> None:
        """Accept connections from now on."""
        self._config.load()
        loop = asyncio.get_running_loop()
        ours = partial(Protocol, quick=self._quick, limits=self._limits)
        make = partial(ours, config=self._config, server_state=self._state, app_state={})
        for bound in self._sockets:
            # uvicorn's protocol is an asyncio.Protocol in all but its first method's annotation
            self._servers.append(
                await loop.create_server(cast("Any", make), sock=bound, ssl=self._tls, backlog=BACKLOG)
            )  # reason: above

    def refuse(self) -> None:
        """Accept no more connections."""
        for server in self._servers:
            server.close()
        if not self._servers:
            for bound in self._sockets:
                bound.close()

    async def drain(self) -> None:
        """Let the answers under way end, for a moment; then cut what is left and wait until it is gone."""
        for connection in tuple(self._state.connections):
            connection.shutdown()
        with anyio.move_on_after(DRAIN_SECONDS):
            await self._quiet()
        for connection in tuple(self._state.connections):
            connection.transport.abort()
        for task in tuple(self._state.tasks):
            task.cancel()
        with anyio.move_on_after(DRAIN_SECONDS):
            await self._quiet()

    async def _quiet(self) -> None:
        while self._state.connections or self._state.tasks:  # noqa: ASYNC110  reason: uvicorn's sets have no event
            await anyio.sleep(_POLL_SECONDS)


def _websocket_protocol(**about: Any) -> asyncio.Protocol:  # noqa: ANN401  reason: passed on as it comes
    """Make uvicorn's WebSocket protocol; imported with the first one, for it costs as much as all of uvicorn."""
    from upright.apiserver.websocket import WebSocketProtocol  # noqa: PLC0415  reason: said above

    return WebSocketProtocol(**about)
